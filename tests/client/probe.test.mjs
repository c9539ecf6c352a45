// A plain question, put again beside the first while nobody answers.

import assert from "node:assert/strict";
import { test } from "node:test";

import { firstAnswer } from "../../static/realtime/probe.js";

/** Answers by their order; `undefined` never answers. */
function asker(...answers) {
  const signals = [];
  const ask = (signal) =>
    new Promise((resolve, reject) => {
      const answer = answers[signals.length];
      signals.push(signal);
      if (answer instanceof Error) reject(answer);
      else if (answer) resolve(answer);
    });
  return { ask, signals };
}

test("one question, if it is answered", async () => {
  const { ask, signals } = asker("yes");
  assert.equal(await firstAnswer(ask), "yes");
  assert.equal(signals.length, 1);
});

test("a dead connection is asked past, and given up", async () => {
  const { ask, signals } = asker(undefined, undefined, "yes");
  assert.equal(await firstAnswer(ask), "yes");
  assert.equal(signals.length, 3);
  assert.ok(signals[0].aborted);
});

test("no server at all is known at once", async () => {
  const { ask, signals } = asker(new Error("refused"));
  await assert.rejects(firstAnswer(ask), /refused/);
  assert.equal(signals.length, 1);
});

test("a refusal is an answer", async () => {
  const refusal = Object.assign(new Error("busy"), { status: 503 });
  const { ask } = asker(undefined, refusal);
  await assert.rejects(firstAnswer(ask), { status: 503 });
});
