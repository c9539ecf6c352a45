// Silence is noticed within 20 seconds, and our own sleep is not silence.

import assert from "node:assert/strict";
import { test } from "node:test";

import { createHeartbeat } from "../../static/realtime/heartbeat.js";
import * as events from "../../static/realtime/transports/events.js";
import * as socket from "../../static/realtime/transports/socket.js";
import * as stream from "../../static/realtime/transports/stream.js";

/** Looks every second for `seconds`; what was said, "fine" left out. */
function look(heart, from, seconds) {
  const said = [];
  for (let s = from + 1; s <= from + seconds; s += 1) {
    const verdict = heart.look(s * 1000);
    if (verdict !== "fine") said.push(`${s} ${verdict}`);
    if (verdict === "dead") break;
  }
  return said;
}

test("a silent socket is asked once, then dead", () => {
  const heart = createHeartbeat({ askAfter: 8000, deadAfter: 16_000 }, 0);
  assert.deepEqual(look(heart, 0, 30), ["8 ask", "16 dead"]);
});

test("an answer starts the silence afresh", () => {
  const heart = createHeartbeat({ askAfter: 8000, deadAfter: 16_000 }, 0);
  assert.deepEqual(look(heart, 0, 9), ["8 ask"]);
  heart.heard(9000);
  assert.deepEqual(look(heart, 9, 9), ["17 ask"]);
});

test("where nobody can be asked, only silence counts", () => {
  const heart = createHeartbeat({ deadAfter: 18_000 }, 0);
  assert.deepEqual(look(heart, 0, 30), ["18 dead"]);
});

test("every transport notices within 20 seconds", () => {
  for (const { heartbeat } of [socket, events, stream]) {
    const said = look(createHeartbeat(heartbeat, 0), 0, 30);
    assert.ok(Number.parseInt(said.at(-1)) < 20, said.at(-1));
  }
});

test("after a sleep the other end gets a moment to answer", () => {
  const heart = createHeartbeat({ askAfter: 8000, deadAfter: 16_000 }, 0);
  assert.equal(heart.look(600_000), "ask");
  assert.deepEqual(look(heart, 600, 10), ["604 dead"]);
});
