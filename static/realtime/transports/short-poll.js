// Short polling: ask, be answered at once, wait, ask again. Posts go by
// HTTP beside it.
//
// The wait is kept by one of three timers. They look alike and are not:
// see `timers` below.

import { address } from "../address.js";
import { ask } from "../request.js";
import { createAnswers, failure } from "./answers.js";

/** Milliseconds until a question counts as lost. */
const WITHIN = 8000;

/** By name: `(ask, every, signal)`, where `ask()` puts one question and is
 *  fulfilled when it is answered. */
export const timers = {
  // After the answer, however long it took: one question at a time.
  async timeout(ask, every, signal) {
    while (!signal.aborted) {
      await ask();
      await new Promise((wake) => setTimeout(wake, every));
    }
  },

  // At the first frame drawn after the wait: a hidden tab draws none, and
  // so asks nothing.
  async frame(ask, every, signal) {
    while (!signal.aborted) {
      await ask();
      await framesFor(every);
    }
  },

  // The mistake: on the dot, answered or not. When answers take longer than
  // the wait, questions overlap and answers overtake each other.
  interval(ask, every, signal) {
    return new Promise((_, fail) => {
      const again = () => ask().catch(fail);
      again();
      const timer = setInterval(again, every);
      signal.addEventListener("abort", () => clearInterval(timer));
    });
  },
};

async function framesFor(ms) {
  const until = Date.now() + ms;
  while (Date.now() < until) {
    await new Promise((drawn) => requestAnimationFrame(drawn));
  }
}

export function open(context, handlers) {
  const { transport, trace, poll } = context;
  const abort = new AbortController();
  const { signal } = abort;
  const answers = createAnswers(context, handlers);
  const figures = { asked: 0, answered: 0, flying: 0, late: 0 };
  let youngest = 0;

  function tell(summary) {
    trace({ kind: "order", transport, summary });
  }

  /** Puts one question, and on at once while there is more. */
  async function question() {
    const { after } = answers;
    const number = ++figures.asked;
    if (++figures.flying > 1) {
      tell(`question ${number} asked, ${figures.flying - 1} unanswered`);
    }
    poll.report({ ...figures });
    const url = address(context, "messages", { after });
    const answer = await ask(context, { url, within: WITHIN, signal });
    if (signal.aborted) return;
    arrived(number);
    if (answers.take(answer)) await question();
  }

  function arrived(number) {
    figures.flying -= 1;
    figures.answered += 1;
    if (number < youngest) {
      figures.late += 1;
      tell(`answer ${number} came after answer ${youngest}`);
    }
    youngest = Math.max(youngest, number);
    poll.report({ ...figures });
  }

  timers[poll.timer](question, poll.every, signal).catch((error) => {
    if (signal.aborted) return;
    abort.abort();
    handlers.end(failure(error));
  });

  return { close: () => abort.abort() };
}
