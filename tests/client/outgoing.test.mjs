// Posts on their way: kept, in order, told apart by what became of them.

import assert from "node:assert/strict";
import { afterEach, test } from "node:test";

import { createBox, Outgoing } from "../../static/realtime/outgoing.js";

/** What a browser's Storage is: keys are its own properties. */
function fakeStorage(limit = Infinity) {
  const storage = {};
  const hidden = {
    getItem: (key) => storage[key] ?? null,
    setItem(key, value) {
      if (Object.keys(storage).length >= limit) throw new Error("quota");
      storage[key] = value;
    },
    removeItem: (key) => delete storage[key],
  };
  for (const [name, value] of Object.entries(hidden)) {
    Object.defineProperty(storage, name, { value });
  }
  return storage;
}

const open = [];
afterEach(() => open.splice(0).forEach((outgoing) => outgoing.close()));

/** A queue, what it sent and what it told; waits are one millisecond. */
function queue(storage = fakeStorage()) {
  const sent = [];
  const told = [];
  const waits = [];
  const outgoing = new Outgoing(createBox(storage, "room "), {
    send: (post) => sent.push(post),
    wait(attempt, atLeast) {
      waits.push([attempt, atLeast]);
      return 1;
    },
    onPost: ({ text, state }) => told.push(`${text} ${state}`),
  });
  open.push(outgoing);
  return { outgoing, sent, told, waits, storage };
}

const later = () => new Promise((wake) => setTimeout(wake, 10));

test("kept while offline, then sent one at a time, in order", async () => {
  const { outgoing, sent } = queue();
  const posts = ["a", "b"].map((text) => outgoing.add("ada", text));
  assert.deepEqual(sent, []);
  outgoing.up();
  assert.deepEqual(sent.map(({ text }) => text), ["a"]);
  outgoing.acknowledged(sent[0].id, 7);
  assert.deepEqual(sent.map(({ text }) => text), ["a", "b"]);
  outgoing.acknowledged(sent[1].id, 8);
  assert.deepEqual(await Promise.all(posts), [7, 8]);
  assert.deepEqual(outgoing.posts, []);
});

test("the same id again over the next connection", () => {
  const { outgoing, sent } = queue();
  outgoing.add("ada", "a");
  outgoing.up();
  outgoing.down();
  outgoing.up();
  assert.equal(sent.length, 2);
  assert.equal(sent[0].id, sent[1].id);
});

test("a refused one is not sent again, and the next goes on", async () => {
  const { outgoing, sent, told } = queue();
  outgoing.up();
  const post = outgoing.add("ada", "a");
  outgoing.add("ada", "b");
  const error = { code: "bad_text", message: "no", final: true };
  outgoing.refused(sent[0].id, error);
  await assert.rejects(post, { code: "bad_text", message: "no" });
  assert.deepEqual(told, ["a sending", "b sending", "a failed"]);
  assert.deepEqual(sent.map(({ text }) => text), ["a", "b"]);
});

test("a passing trouble is waited out as the server says", async () => {
  const { outgoing, sent, waits } = queue();
  outgoing.up();
  outgoing.add("ada", "a");
  outgoing.refused(sent[0].id, { message: "busy", retryAfterMs: 3000 });
  await later();
  outgoing.refused(sent[1].id, { message: "busy" });
  assert.deepEqual(waits, [[0, 3000], [1, 0]]);
  assert.equal(outgoing.posts[0].state, "sending");
  outgoing.down();
});

test("a reload loses nothing", () => {
  const { outgoing, storage } = queue();
  outgoing.add("ada", "a");
  const [{ id }] = outgoing.posts;
  const next = queue(storage);
  next.outgoing.start();
  assert.deepEqual(next.told, ["a sending"]);
  next.outgoing.up();
  assert.equal(next.sent[0].id, id);
  next.outgoing.acknowledged(id, 1);
  assert.deepEqual(Object.keys(storage), []);
});

test("a storage that is full or missing costs only that", () => {
  for (const storage of [fakeStorage(0), null]) {
    const { outgoing, sent } = queue(storage);
    outgoing.up();
    outgoing.add("ada", "a");
    assert.equal(sent.length, 1);
  }
});

test("the queue is bounded", async () => {
  const { outgoing, storage } = queue();
  for (let n = 0; n < 256; n += 1) outgoing.add("ada", `${n}`);
  const code = "too_many_posts";
  await assert.rejects(outgoing.add("ada", "one more"), { code });
  assert.equal(outgoing.posts.length, 256);
  assert.equal(Object.keys(storage).length, 256);
});

test("what no server would take is not sent", async () => {
  const { outgoing, sent } = queue();
  outgoing.up();
  for (const text of ["", "  ", "ż".repeat(2049)]) {
    await assert.rejects(outgoing.add("ada", text), { code: "bad_text" });
  }
  assert.deepEqual(sent, []);
});

test("its own message coming back is proof enough", async () => {
  const { outgoing, sent } = queue();
  outgoing.up();
  const post = outgoing.add("ada", "a");
  const own = outgoing.seen({ id: sent[0].id, seq: 5 });
  assert.ok(own.ms >= 0);
  assert.equal(await post, 5);
  assert.equal(outgoing.seen({ id: sent[0].id, seq: 5 }), null, "once");
  assert.equal(outgoing.seen({ id: "someone-else", seq: 6 }), null);
});

test("a failed one can be sent again or forgotten", () => {
  const { outgoing, sent, told, storage } = queue();
  outgoing.up();
  outgoing.add("ada", "a");
  const [{ id }] = sent;
  const error = { code: "bad_nick", message: "no", final: true };
  outgoing.refused(id, error);
  outgoing.resend(id);
  assert.equal(sent[1].id, id);
  outgoing.refused(id, error);
  outgoing.discard(id);
  assert.equal(told.at(-1), "a discarded");
  assert.deepEqual(Object.keys(storage), []);
});
