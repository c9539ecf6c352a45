// Server-sent events: one answer that never ends, read by the browser's
// EventSource. One direction only; posts go by HTTP.
//
// EventSource would come back by itself, but at its own pace, and after any
// answer but 200 it never does. So it is closed at the first error, and
// coming back is the same here as on every transport.

import { address } from "../address.js";
import { eventBytes, requestBytes } from "../sizes.js";
import { summarize } from "../trace.js";

/** The server beats every 15 s with an event of its own, `ping`: the usual
 *  comment line is never shown to a page. */
export const heartbeat = { deadAfter: 18_500 };

/** EventSource must be asked for each type by its name. */
const TYPES = ["hello", "message", "presence", "typing", "ping", "bye"];

export function open(context, handlers) {
  const { transport, after, nick, trace } = context;
  const url = address(context, "events", { after, nick });
  const source = new EventSource(url);
  trace({
    kind: "open",
    transport,
    direction: "out",
    bytes: requestBytes({ method: "GET", url }),
    estimated: true,
    summary: "GET events, an answer that stays open",
  });

  for (const type of TYPES) {
    source.addEventListener(type, (event) => {
      const object = { type, ...(event.data ? JSON.parse(event.data) : {}) };
      trace({
        kind: "event",
        transport,
        direction: "in",
        bytes: eventBytes(event),
        estimated: true,
        summary: summarize(object),
      });
      handlers.frame(object);
    });
  }
  source.onerror = () => {
    source.close();
    handlers.end({
      why: "the events ended or were refused; browsers do not say which",
      hidden: true,
    });
  };

  return { close: () => source.close() };
}
