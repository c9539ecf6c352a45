// Once and in order, whatever the transports repeat.

import assert from "node:assert/strict";
import { test } from "node:test";

import { createCursor } from "../../static/realtime/cursor.js";

/** Lets messages through and keeps what passed, as "seq how". */
function reader(start) {
  const cursor = createCursor(start);
  const seen = [];
  const read = (...seqs) => {
    for (const seq of seqs) {
      const how = cursor.accept({ seq });
      if (how) seen.push(`${seq} ${how}`);
    }
  };
  return { cursor, seen, read };
}

test("history, then live, then what a cut has cost", () => {
  const { cursor, seen, read } = reader();
  cursor.hello({ last: 2, gap: false }, undefined);
  read(1, 2, 3);
  cursor.hello({ last: 5, gap: false }, 3);
  read(4, 5, 6);
  assert.deepEqual(seen, [
    "1 history",
    "2 history",
    "3 live",
    "4 caught-up",
    "5 caught-up",
    "6 live",
  ]);
});

test("two overlapping transports: each message once", () => {
  const { cursor, seen, read } = reader(0);
  cursor.hello({ last: 0, gap: false }, 0);
  read(1, 2, 3, 1, 2, 3, 4, 2, 4, 5);
  assert.deepEqual(seen.map((line) => Number(line[0])), [1, 2, 3, 4, 5]);
});

test("an empty room's cursor begins at its hello, once that is sure", () => {
  const { cursor } = reader();
  cursor.hello({ last: 1789, gap: false }, undefined);
  assert.equal(cursor.at, undefined, "the history may still come");
  cursor.quiet();
  assert.equal(cursor.at, 1789);
});

test("a gap is told, and what follows it is let through", () => {
  const { cursor, seen, read } = reader(10);
  const lost = cursor.hello({ last: 900, gap: true }, 10);
  assert.deepEqual(lost, { after: 10, last: 900 });
  read(850, 851);
  assert.deepEqual(seen, ["850 caught-up", "851 caught-up"]);
});

test("without a cursor nothing can be missing", () => {
  const { cursor } = reader();
  assert.equal(cursor.hello({ last: 9, gap: true }, undefined), null);
});

test("a room that was started afresh is read from its start", () => {
  const { cursor, seen, read } = reader(1000);
  assert.ok(cursor.hello({ last: 2, gap: true }, 1000));
  read(1, 2);
  // A second answer to a question asked with the old cursor.
  assert.ok(cursor.hello({ last: 3, gap: true }, 1000));
  read(1, 2, 3);
  assert.equal(seen.length, 3);
});

test("a hello that comes late does not turn the cursor back", () => {
  const { cursor, seen, read } = reader(5);
  read(6, 7, 8);
  cursor.hello({ last: 7, gap: true }, 5);
  read(6, 7, 8, 9);
  assert.deepEqual(seen.map((line) => Number(line[0])), [6, 7, 8, 9]);
});
