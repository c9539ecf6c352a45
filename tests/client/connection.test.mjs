// Which transport is in use: told by hand what its links do.

import assert from "node:assert/strict";
import { test } from "node:test";

import { Connection } from "../../static/realtime/connection.js";

/** A connection over links that do what the test says. */
function scene(transport, probe = async () => {}) {
  const links = [];
  const stories = [];
  const open = (name, within, handlers) => {
    const link = {
      name,
      closed: false,
      openedAt: null,
      role: "alone",
      check: () => {},
      rename: () => false,
      close: () => (link.closed = true),
      hello() {
        link.openedAt = Date.now();
        handlers.opened(link, { type: "hello" });
      },
      end: (reason) => handlers.ended(link, { why: "cut", ...reason }),
    };
    links.push(link);
    return link;
  };
  const nothing = () => {};
  const does = { open, probe, frame: nothing, up: nothing, down: nothing };
  const connection = new Connection(
    { transport, backoff: "at-once" },
    { ...does, onState: nothing, story: (words) => stories.push(words) },
  );
  connection.start();
  return { connection, links, stories, last: () => links.at(-1) };
}

const settled = () => new Promise((wake) => setTimeout(wake, 1));

test("the old one stays until the new one says hello", async () => {
  const { connection, links, last } = scene("socket");
  last().hello();
  const switched = connection.switchTo("events");
  assert.equal(connection.state.switchingTo, "events");
  assert.equal(connection.state.transport, "socket");
  assert.equal(links[0].closed, false);
  last().hello();
  assert.equal(links[0].closed, true);
  assert.equal(await switched, "events");
  connection.close();
});

test("a switch that fails stays where it was", async () => {
  const { connection, links, last } = scene("events");
  last().hello();
  const switched = connection.switchTo("socket");
  last().end();
  assert.equal(await switched, "events");
  assert.equal(connection.state.wanted, "events");
  assert.match(connection.state.why, /staying with server-sent events/);
  assert.equal(links[0].closed, false);
  connection.close();
});

test("auto goes on to the next while the server answers", async () => {
  const { connection, links, last } = scene("auto");
  for (let n = 0; n < 4; n += 1) {
    last().end();
    await settled();
  }
  last().hello();
  const tried = links.map(({ name }) => name);
  assert.deepEqual(tried, [
    "socket",
    "events",
    "stream",
    "long-poll",
    "short-poll",
  ]);
  assert.match(connection.state.why, /^short polling, because WebSocket: cut/);
  connection.close();
});

test("without a server it waits, and blames no transport", async () => {
  const { connection, links, last } = scene("auto", async () => {
    throw new Error("refused");
  });
  last().end();
  await settled();
  assert.equal(connection.state.state, "waiting");
  assert.equal(connection.state.why, "no server answers");
  assert.ok(connection.state.retryAt > Date.now());
  connection.retryNow();
  assert.equal(last().name, "socket");
  assert.equal(links.length, 2);
  connection.close();
});

test("what the server refuses for good stops it", async () => {
  const refusal = Object.assign(new Error("bad room"), { final: true });
  const { connection, last } = scene("auto", async () => {
    throw refusal;
  });
  last().end();
  await settled();
  assert.equal(connection.state.state, "stopped");
  assert.equal(connection.state.why, "bad room");
  connection.close();
});

test("an answer that comes after another decision counts no more", async () => {
  let answer;
  const slow = () => new Promise((resolve) => (answer = resolve));
  const { connection, links, last } = scene("socket", slow);
  last().end();
  connection.switchTo("stream");
  answer();
  await settled();
  assert.deepEqual(links.map(({ name }) => name), ["socket", "stream"]);
  assert.equal(connection.state.state, "connecting");
  connection.close();
});

test("after close nothing is opened", async () => {
  const { connection, links, last } = scene("socket");
  last().hello();
  connection.close();
  connection.retryNow();
  connection.start();
  assert.equal(links.length, 1);
  assert.equal(links[0].closed, true);
});
