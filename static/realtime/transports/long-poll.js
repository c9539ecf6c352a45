// Long polling: ask, and the server holds the question until it has news.
// Then ask again. Posts go by HTTP beside it.

import { address } from "../address.js";
import { ask } from "../request.js";
import { createAnswers, failure } from "./answers.js";

/** Seconds the server may hold a question: short enough for a dead
 *  connection to be noticed within 20 s. */
const HOLD = 14;

/** Milliseconds until a question counts as lost, held and not held. */
const HELD_WITHIN = HOLD * 1000 + 4000;
const WITHIN = 6000;

export function open(context, handlers) {
  const abort = new AbortController();
  const { signal } = abort;
  const answers = createAnswers(context, handlers);

  async function question(wait, within) {
    const { after } = answers;
    const url = address(context, "messages", { after, wait });
    return answers.take(await ask(context, { url, within, signal }));
  }

  async function run() {
    // The first is not held: it tells at once that this way is open.
    await question(undefined, WITHIN);
    while (!signal.aborted) await question(HOLD, HELD_WITHIN);
  }

  run().catch((error) => {
    if (!signal.aborted) handlers.end(failure(error));
  });

  return { close: () => abort.abort() };
}
