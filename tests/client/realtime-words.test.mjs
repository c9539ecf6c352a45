// Durations as people say them.

import assert from "node:assert/strict";
import { test } from "node:test";

import { away, count, duration } from "../../static/realtime/words.js";

test("durations take the largest unit that fits", () => {
  const said = {
    0: "less than a second",
    499: "less than a second",
    1000: "1 second",
    59_000: "59 seconds",
    60_000: "1 minute",
    185_000: "3 minutes",
    3_600_000: "1 hour",
    90_000_000: "1 day",
    200_000_000: "2 days",
  };
  for (const [ms, words] of Object.entries(said)) {
    assert.equal(duration(Number(ms)), words);
  }
});

test("one is not many", () => {
  assert.equal(count(1, "message"), "1 message");
  assert.equal(count(0, "message"), "0 messages");
});

test("what a hidden tab missed", () => {
  const minutes = 3 * 60_000;
  assert.equal(away(minutes, 12), "away for 3 minutes, 12 messages caught up");
  assert.equal(away(1000, 0), "away for 1 second, no messages caught up");
});
