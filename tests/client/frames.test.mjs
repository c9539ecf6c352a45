// WebSocket bytes taken apart: the examples of RFC 6455, section 5.7.

import assert from "node:assert/strict";
import { test } from "node:test";
import {
  bits, frames, fromHex, meaning, readFrame, splitHead,
} from "../../static/frames.js";

test("a text message that is not masked", () => {
  const frame = readFrame(fromHex("810548656c6c6f"));
  assert.equal(frame.fin, true);
  assert.equal(frame.name, "text");
  assert.equal(frame.masked, false);
  assert.equal(frame.whole, true);
  assert.equal(meaning(frame), "Hello");
});

test("a masked text message is opened with its key", () => {
  const frame = readFrame(fromHex("818537fa213d7f9f4d5158"));
  assert.equal(frame.masked, true);
  assert.deepEqual([...frame.key], [0x37, 0xfa, 0x21, 0x3d]);
  assert.equal(meaning(frame), "Hello");
});

test("fragments, and a ping behind them", () => {
  const list = frames(fromHex("010348656c80026c6f890548656c6c6f"));
  assert.deepEqual(list.map(({ name, fin }) => [name, fin]),
    [["text", false], ["continuation", true], ["ping", true]]);
});

test("longer lengths take two bytes more, or eight", () => {
  const medium = readFrame(fromHex(`827e0100${"00".repeat(256)}`));
  assert.equal(medium.length, 256);
  assert.equal(medium.whole, true);
  const long = readFrame(fromHex("827f0000010000000000aabb"));
  assert.equal(long.length, 2 ** 40);
  assert.equal(long.whole, false);
  assert.equal(meaning(long), "2 of 1099511627776 bytes");
});

test("a close says a code and a reason", () => {
  assert.equal(meaning(readFrame(fromHex("880203ea"))), "1002");
  assert.equal(meaning(readFrame(fromHex("880603ea6e6f7065"))), "1002: nope");
});

test("a head ends at its empty line", () => {
  const bytes = new TextEncoder().encode("HTTP/1.1 101 X\r\na: b\r\n\r\n\x81");
  const { lines, rest } = splitHead(bytes);
  assert.deepEqual(lines, ["HTTP/1.1 101 X", "a: b"]);
  assert.equal(rest.length, 2);
});

test("bytes that are cut anywhere are still drawn", () => {
  const whole = fromHex("827f0000010000000000aabb");
  for (let end = 1; end < whole.length; end += 1) {
    const list = frames(whole.subarray(0, end));
    assert.equal(list.length > 0, true);
  }
  assert.equal(bits(5), "00000101");
});
