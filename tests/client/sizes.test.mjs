// Bytes on the wire, and their totals.

import assert from "node:assert/strict";
import { test } from "node:test";

import { frameBytes, textBytes } from "../../static/realtime/sizes.js";
import { createTrace } from "../../static/realtime/trace.js";

test("frames as RFC 6455 lays them out", () => {
  assert.equal(frameBytes("a".repeat(125), "in"), 125 + 2);
  assert.equal(frameBytes("a".repeat(126), "in"), 126 + 4);
  assert.equal(frameBytes("a".repeat(65_536), "in"), 65_536 + 10);
  assert.equal(frameBytes("a", "out"), 1 + 2 + 4);
  assert.equal(textBytes("ż🙂"), 6);
});

test("totals by transport", () => {
  const trace = createTrace(() => {});
  const transport = "socket";
  const frame = { kind: "frame", transport, bytes: 10 };
  trace.note({ ...frame, direction: "out" });
  trace.note({ ...frame, direction: "in" });
  trace.note({ kind: "latency", transport, ms: 4 });
  trace.note({ kind: "latency", transport, ms: 8 });
  trace.note({ kind: "open", transport, bytes: 1, estimated: true });
  const { latency, ...rest } = trace.totals.socket;
  assert.deepEqual(rest, {
    requests: 1,
    frames: 2,
    bytesOut: 10,
    bytesIn: 10,
    estimated: true,
  });
  assert.deepEqual(latency, { count: 2, last: 8, mean: 6, best: 4, worst: 8 });
});
