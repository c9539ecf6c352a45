// The least chat that Node and `ws` can be: every message goes to everyone
// who reads the room. No history, no rules. Only there to be measured.

import { createServer } from "node:http";
import { WebSocketServer } from "ws";

const rooms = new Map();
let seq = Date.now() * 1000;

const http = createServer((request, response) => {
  response.writeHead(request.url === "/healthz" ? 200 : 404).end();
});
const sockets = new WebSocketServer({ server: http, perMessageDeflate: false });

sockets.on("connection", (socket, request) => {
  const room = request.url.split("?")[0];
  const readers = rooms.get(room) ?? new Set();
  rooms.set(room, readers.add(socket));
  socket.on("close", () => readers.delete(socket));
  socket.send(JSON.stringify({ type: "hello", room, last: seq, gap: false }));
  socket.on("message", (data) => {
    const post = JSON.parse(data);
    if (post.type !== "post") return;
    const { id, nick, text } = post;
    const at = new Date().toISOString();
    seq += 1;
    const message = JSON.stringify({ type: "message", seq, at, nick, text, id });
    for (const reader of readers) reader.send(message);
    socket.send(JSON.stringify({ type: "ack", id, seq }));
  });
});

// --listen 127.0.0.1:PORT, as our own servers have it.
const [host, port] = process.argv[process.argv.indexOf("--listen") + 1].split(":");
http.listen({ host, port: Number(port), backlog: 4096 }, () => {
  console.log(`listening on http://${host}:${http.address().port}/`);
});
