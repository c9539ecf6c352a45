// The least chat that Bun can be: its own publish and subscribe sends every
// message to everyone who reads the room. Only there to be measured.

let seq = Date.now() * 1000;

const at = process.argv.indexOf("--listen") + 1;
const [hostname, port] = process.argv[at].split(":");

const server = Bun.serve({
  hostname,
  port: Number(port),
  fetch(request, server) {
    const room = new URL(request.url).pathname;
    if (server.upgrade(request, { data: { room } })) return undefined;
    return new Response("", { status: room === "/healthz" ? 200 : 404 });
  },
  websocket: {
    open(socket) {
      const { room } = socket.data;
      socket.subscribe(room);
      const hello = { type: "hello", room, last: seq, gap: false };
      socket.send(JSON.stringify(hello));
    },
    message(socket, data) {
      const post = JSON.parse(data);
      if (post.type !== "post") return;
      const { id, nick, text } = post;
      const at = new Date().toISOString();
      seq += 1;
      const message = { type: "message", seq, at, nick, text, id };
      server.publish(socket.data.room, JSON.stringify(message));
      socket.send(JSON.stringify({ type: "ack", id, seq }));
    },
  },
});

console.log(`listening on http://${hostname}:${server.port}/`);
