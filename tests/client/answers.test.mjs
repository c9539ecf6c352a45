// What both ways of polling make of an answer.

import assert from "node:assert/strict";
import { test } from "node:test";

import { createAnswers } from "../../static/realtime/transports/answers.js";

function reader(after) {
  const frames = [];
  const frame = (object) =>
    frames.push(`${object.type} ${object.seq ?? object.last ?? ""}`.trim());
  return { answers: createAnswers({ after }, { frame }), frames };
}

const message = (seq) => ({ seq });
const calm = { gap: false, more: false };

test("a hello, the messages, a sign of life", () => {
  const { answers, frames } = reader();
  answers.take({ messages: [message(1), message(2)], last: 2, ...calm });
  answers.take({ messages: [message(3)], last: 3, ...calm });
  assert.deepEqual(frames, [
    "hello 2",
    "message 1",
    "message 2",
    "ping",
    "message 3",
    "ping",
  ]);
});

test("a cut list is asked on; older ones nobody asked for are not", () => {
  const more = { gap: false, more: true };
  const behind = reader(0).answers;
  assert.equal(behind.take({ messages: [message(1)], last: 1, ...more }), true);
  const fresh = reader().answers;
  assert.equal(fresh.take({ messages: [message(9)], last: 9, ...more }), false);
});

test("a late answer does not turn the cursor back, a gap does", () => {
  const { answers } = reader(0);
  answers.take({ messages: [], last: 8, ...calm });
  answers.take({ messages: [], last: 5, ...calm });
  assert.equal(answers.after, 8);
  answers.take({ messages: [], last: 5, gap: true, more: false });
  assert.equal(answers.after, 5);
});
