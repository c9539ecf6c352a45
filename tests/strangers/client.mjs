// Node's ws talks to a server: an echo and a room, by hand.

import assert from "node:assert/strict";
import { once } from "node:events";
import { createRequire } from "node:module";

const WebSocket = createRequire(`${process.argv[3]}/`)("ws");
const url = process.argv[2].replace("http", "ws").replace(/\/$/, "");

async function echo() {
  const socket = new WebSocket(`${url}/api/echo-by-hand`);
  await once(socket, "open");
  for (const said of ["", "Hello", "ä€😀".repeat(1000), "x".repeat(70_000)]) {
    socket.send(said);
    const [heard, isBinary] = await once(socket, "message");
    assert.equal(isBinary, false);
    assert.equal(heard.toString(), said);
  }
  socket.send(Buffer.from([0, 255]));
  assert.deepEqual(await once(socket, "message"), [Buffer.from([0, 255]), true]);
  socket.send("in ", { fin: false });
  socket.send("two fragments");
  const [whole] = await once(socket, "message");
  assert.equal(whole.toString(), "in two fragments");
  socket.ping("still there?");
  const [pong] = await once(socket, "pong");
  assert.equal(pong.toString(), "still there?");
  socket.close(1000);
  assert.equal((await once(socket, "close"))[0], 1000);
}

async function room() {
  const socket = new WebSocket(`${url}/api/rooms/strangers/socket-by-hand`);
  const heard = new Map();
  socket.on("message", (said) => {
    const object = JSON.parse(said);
    heard.set(object.type, object);
  });
  while (!heard.has("hello")) await once(socket, "message");
  socket.send(JSON.stringify(
    { type: "post", id: "node", nick: "ryan", text: "hi" }));
  while (!heard.has("ack")) await once(socket, "message");
  assert.equal(heard.get("message").seq, heard.get("ack").seq);
  socket.close();
}

setTimeout(() => assert.fail("30 s are over"), 30_000).unref();
await echo();
await room();
