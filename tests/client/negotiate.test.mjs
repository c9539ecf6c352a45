// Which transport to take, told what happened.

import assert from "node:assert/strict";
import { test } from "node:test";

import {
  Negotiator,
  ORDER,
} from "../../static/realtime/negotiate.js";

test("best first, and on when one fails", () => {
  const negotiator = new Negotiator();
  const taken = [];
  for (const name of ORDER) {
    taken.push(negotiator.choice);
    negotiator.failed(name, "refused");
  }
  assert.deepEqual(taken, ORDER);
  assert.equal(negotiator.choice, "short-poll", "the last is never given up");
});

test("it says why", () => {
  const negotiator = new Negotiator();
  assert.equal(negotiator.explain("socket"), "WebSocket: the best there is");
  negotiator.failed("socket", "refused");
  negotiator.failed("events", "silent");
  assert.equal(
    negotiator.explain("stream"),
    "a stream, because WebSocket: refused; server-sent events: silent; " +
      "a better one is tried in 1 minute",
  );
});

test("better ones are tried in turn, less and less often", () => {
  const negotiator = new Negotiator();
  negotiator.failed("socket", "refused");
  negotiator.failed("events", "silent");
  const tried = [];
  for (let n = 0; n < 3; n += 1) {
    const { name, ms } = negotiator.better("stream");
    tried.push(`${name} ${ms / 1000}`);
    negotiator.noBetter();
  }
  assert.deepEqual(tried, ["socket 60", "events 120", "socket 240"]);
  assert.equal(negotiator.better("socket"), null);
});

test("one that works is no longer given up", () => {
  const negotiator = new Negotiator();
  negotiator.failed("socket", "refused");
  negotiator.forgive("socket");
  assert.equal(negotiator.choice, "socket");
});

test("one that is cut at once, again and again, is given up", () => {
  const negotiator = new Negotiator();
  negotiator.lived("socket", 100);
  negotiator.lived("socket", 100);
  negotiator.lived("socket", 60_000);
  negotiator.lived("socket", 100);
  negotiator.lived("socket", 100);
  assert.equal(negotiator.choice, "socket");
  negotiator.lived("socket", 100);
  assert.equal(negotiator.choice, "events");
});
