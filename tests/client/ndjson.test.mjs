// Lines, however the network cuts them.

import assert from "node:assert/strict";
import { test } from "node:test";

import { createLineSplitter } from "../../static/realtime/ndjson.js";

const bytes = (text) => new TextEncoder().encode(text);
const TEXT = '{"a":1}\n{"b":"żółć 🙂"}\r\n\n{"c":3}\n';
const LINES = ['{"a":1}', '{"b":"żółć 🙂"}', '{"c":3}'];

test("all in one piece", () => {
  assert.deepEqual(createLineSplitter()(bytes(TEXT)), LINES);
});

test("in pieces of every size, letters cut in two", () => {
  const whole = bytes(TEXT);
  for (let size = 1; size < whole.length; size += 1) {
    const split = createLineSplitter();
    const lines = [];
    for (let at = 0; at < whole.length; at += size) {
      lines.push(...split(whole.subarray(at, at + size)));
    }
    assert.deepEqual(lines, LINES, `pieces of ${size}`);
  }
});

test("a line without an end is kept back, and not for ever", () => {
  const split = createLineSplitter();
  assert.deepEqual(split(bytes('{"half":')), []);
  assert.deepEqual(split(bytes("1}\n")), ['{"half":1}']);
  assert.throws(() => split(new Uint8Array(70_000).fill(97)), RangeError);
});
