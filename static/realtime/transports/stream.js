// A stream: one answer that never ends, read with `fetch`, one JSON object
// a line. One direction only; posts go by HTTP.

import { address } from "../address.js";
import { createLineSplitter } from "../ndjson.js";
import { refusalOf } from "../request.js";
import { answerHeadBytes, lineBytes, requestBytes } from "../sizes.js";
import { summarize } from "../trace.js";
import { failure } from "./answers.js";

/** The server beats every 15 s. */
export const heartbeat = { deadAfter: 18_500 };

export function open(context, handlers) {
  const { transport, after, nick, trace } = context;
  const url = address(context, "stream", { after, nick });
  const abort = new AbortController();

  function note(kind, direction, bytes, summary) {
    trace({ kind, transport, direction, bytes, estimated: true, summary });
  }

  async function read() {
    const bytes = requestBytes({ method: "GET", url });
    note("open", "out", bytes, "GET stream, an answer that stays open");
    const { signal } = abort;
    const response = await fetch(url, { cache: "no-store", signal });
    const head = answerHeadBytes(response);
    note("answer", "in", head, `${response.status}, the stream begins`);
    if (!response.ok) throw await refusalOf(response);
    const reader = response.body.getReader();
    const split = createLineSplitter();
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      for (const line of split(value)) {
        if (signal.aborted) return;
        const object = JSON.parse(line);
        note("line", "in", lineBytes(line), summarize(object));
        handlers.frame(object);
      }
    }
  }

  function end(reason) {
    if (abort.signal.aborted) return;
    abort.abort();
    handlers.end(reason);
  }

  read().then(
    () => end({ why: "the stream ended" }),
    (error) => end(failure(error)),
  );

  return { close: () => abort.abort() };
}
