// What to do with each kind of thing that a transport delivers: the one
// switch over the protocol's types. Types it does not know are ignored, so
// that a server may say more than this client understands.

/** `error` frames that ask to be tried again; over HTTP these are 429 and
 *  503. */
const PASSING = new Set([
  "busy",
  "full",
  "post_rate",
  "rooms_full",
  "shutting_down",
  "storage",
  "too_many_connections",
]);

/** Milliseconds before such a post is tried again. */
const PASSING_AFTER = 1000;

/**
 * @param {object} parts `cursor`, `outgoing`, `trace`, `tell(name, …values)`,
 *   `leave(link, reason)` and `counted()`, called for each message delivered
 * @returns {(link, object) => void}
 */
export function createHearing(parts) {
  const { cursor, outgoing, trace, tell, leave, counted } = parts;

  function hello(link, object) {
    const lost = cursor.hello(object, object.after ?? link.after);
    if (!lost) return;
    const why = "the server cannot prove that nothing is missing here";
    trace.story(why, link.name);
    tell("onGap", { ...lost, why });
  }

  function message(link, { seq, at, nick, text, id }) {
    const how = cursor.accept({ seq });
    if (!how) return;
    counted();
    const own = outgoing.seen({ id, seq });
    if (own?.ms >= 0) latency(link.name, own.ms);
    const info = { how, own: own !== null, transport: link.name };
    tell("onMessage", { seq, at, nick, text, id }, info);
  }

  function latency(transport, ms) {
    const summary = `own post seen after ${ms} ms`;
    trace.note({ kind: "latency", transport, ms, summary });
  }

  function error({ id, code, detail, retry_ms }) {
    // Without an id it is about no post: say, an old server met a ping.
    if (id === undefined || id === null) return;
    const final = !PASSING.has(code);
    const retryAfterMs = final ? 0 : (retry_ms ?? PASSING_AFTER);
    outgoing.refused(id, {
      message: detail ?? code,
      code,
      final,
      retryAfterMs,
    });
  }

  function bye(link, { retry_ms: atLeast = 0 }) {
    leave(link, { why: "the server is shutting down", atLeast });
  }

  return (link, object) => {
    switch (object.type) {
      case "hello":
        return hello(link, object);
      case "message":
        return message(link, object);
      case "ack":
        return outgoing.acknowledged(object.id, object.seq);
      case "error":
        return error(object);
      case "presence":
        return tell("onPresence", object);
      case "typing":
        return tell("onTyping", object);
      case "bye":
        return bye(link, object);
      case "ping":
      case "pong":
        return cursor.quiet();
    }
  };
}
