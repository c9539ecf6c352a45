// What both ways of polling make of an answer: the same objects that the
// other transports deliver, so that nobody above can tell them apart.

export function createAnswers(context, handlers) {
  let { after } = context;
  let first = true;

  return {
    /** The cursor for the next question. */
    get after() {
      return after;
    },

    /** A message came some other way. */
    reached(seq) {
      after = seq;
    },

    /**
     * @param {{messages, last, gap, more}} answer
     * @returns {boolean} there is more: ask again at once
     */
    take({ messages, last, gap, more }) {
      // Without a cursor, `more` means older ones, and nobody asked.
      const cut = more && after !== undefined;
      if (first || gap) {
        const roomLast = cut ? Number.MAX_SAFE_INTEGER : last;
        handlers.frame({ type: "hello", last: roomLast, gap, after });
      }
      first = false;
      for (const message of messages) {
        handlers.frame({ ...message, type: "message" });
      }
      // An answer that comes late must not turn the cursor back.
      after = gap ? last : Math.max(after ?? 0, last);
      if (!cut) handlers.frame({ type: "ping" });
      return cut;
    },
  };
}

/** Why a question failed, as `handlers.end` wants it. */
export function failure(error) {
  return {
    why: error.message,
    silent: error.name === "TimeoutError",
    final: error.final,
    atLeast: error.retryAfterMs,
  };
}
