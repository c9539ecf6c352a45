// How long to wait: every strategy by its figures.

import assert from "node:assert/strict";
import { test } from "node:test";

import { backoffs, wait } from "../../static/realtime/backoff.js";

const waits = (name, random = 0.5) =>
  [0, 1, 2, 3, 4, 5, 6, 100].map((n) => wait(name, n, random) / 1000);

test("the table 0/3/10/30 stays at its last step", () => {
  assert.deepEqual(waits("0/3/10/30"), [0.1, 3, 10, 30, 30, 30, 30, 30]);
});

test("linear adds two seconds each time", () => {
  assert.deepEqual(waits("linear"), [2, 4, 6, 8, 10, 12, 14, 30]);
});

test("exponential doubles up to half a minute", () => {
  assert.deepEqual(waits("exponential"), [1, 2, 4, 8, 16, 30, 30, 30]);
});

test("full jitter is anywhere below exponential", () => {
  assert.deepEqual(waits("full-jitter", 0.5), [0.5, 1, 2, 4, 8, 15, 15, 15]);
  for (const random of [0, 0.001, 0.999]) {
    for (let attempt = 0; attempt < 20; attempt += 1) {
      const ms = wait("full-jitter", attempt, random);
      assert.ok(ms >= 100 && ms <= wait("exponential", attempt, random));
    }
  }
});

test("full jitter spreads a crowd", () => {
  const crowd = Array.from({ length: 50 }, () =>
    wait("full-jitter", 3, Math.random()),
  );
  const seconds = new Set(crowd.map((ms) => Math.floor(ms / 1000)));
  assert.ok(seconds.size >= 5, `${[...seconds]}`);
});

test("what the server asks for comes on top", () => {
  for (const name of Object.keys(backoffs)) {
    const more = wait(name, 2, 0.5, 5000);
    assert.equal(more - wait(name, 2, 0.5), 5000, name);
  }
});
