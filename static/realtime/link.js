// One opened transport: from the first try to its end, with the deadlines
// that every transport needs and none should have to repeat.

import { createHeartbeat, LOOK_EVERY } from "./heartbeat.js";
import { duration } from "./words.js";

/**
 * @param {{open: Function, heartbeat?: object}} transport
 * @param {object} context what the transport is given; `transport` its name
 * @param {number} within milliseconds for its hello
 * @param {{opened, frame, ended}} handlers each is given the link first;
 *   `opened` with the hello, `frame` with any object (the hello too),
 *   `ended` with the reason, once and never after `close()`
 */
export function openLink(transport, context, within, handlers) {
  const heart =
    transport.heartbeat && createHeartbeat(transport.heartbeat, Date.now());
  let over = false;

  const link = {
    name: context.transport,
    /** The cursor it was opened with. */
    after: context.after,
    /** When it said hello; null before. */
    openedAt: null,
    get role() {
      return handle.role ?? "alone";
    },
    post: (post) => handle.post?.(post) ?? false,
    typing: () => handle.typing?.() ?? false,
    /** @returns {boolean} false: it must be opened again to be renamed */
    rename: (nick) => handle.rename?.(nick) ?? false,
    look,
    ask: () => handle.ask?.(),
    close,
  };

  const silent = { why: `nothing was heard for ${duration(within)}` };
  const deadline = setTimeout(() => end(silent), within);
  const looking = setInterval(look, LOOK_EVERY);
  const handle = transport.open(context, { frame, end });
  return link;

  function frame(object) {
    if (over) return;
    heart?.heard(Date.now());
    const hello = object.type === "hello" && link.openedAt === null;
    if (hello) {
      clearTimeout(deadline);
      link.openedAt = Date.now();
      handlers.opened(link, object);
    }
    handlers.frame(link, object);
  }

  function look() {
    if (over || !heart || link.openedAt === null) return;
    const verdict = heart.look(Date.now());
    if (verdict === "ask") handle.ask?.();
    if (verdict === "dead") end({ why: "it has gone silent" });
  }

  function end(reason) {
    if (over) return;
    close();
    handlers.ended(link, reason);
  }

  function close() {
    over = true;
    clearTimeout(deadline);
    clearInterval(looking);
    handle.close();
  }
}
