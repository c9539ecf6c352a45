// The transports, retry habits and servers, in words. Pure.

/** What each transport is, for people who learn it here: its name alone,
 *  its name after "connected over", and a sentence. */
export const TRANSPORTS = {
  "socket": {
    name: "WebSocket",
    over: "WebSocket",
    says: "One connection, both sides push. Written by a library.",
  },
  "socket-by-hand": {
    name: "WebSocket by hand",
    over: "WebSocket by hand",
    says: "The same frames, with a server side written from the RFC.",
  },
  "events": {
    name: "Server-sent events",
    over: "server-sent events",
    says: "One answer that never ends; posts go by requests of their own.",
  },
  "stream": {
    name: "Stream",
    over: "a stream",
    says: "One answer that never ends, one JSON object a line.",
  },
  "long-poll": {
    name: "Long polling",
    over: "long polling",
    says: "Each question is held until there is news.",
  },
  "short-poll": {
    name: "Short polling",
    over: "short polling",
    says: "Asks on a timer, whether there is news or not.",
  },
};

/** What each wait between two attempts is. */
export const BACKOFFS = {
  "full-jitter": "Full jitter: any time up to a doubling limit",
  "exponential": "Exponential: 1, 2, 4, 8, 16, 30 s",
  "linear": "Linear: 2, 4, 6, 8 s",
  "0/3/10/30": "At once, then 3, 10, 30 s",
  "at-once": "At once, always: the thundering herd",
};

/** What sets off the next short poll. */
export const POLL_TIMERS = {
  "timeout": "setTimeout, after the answer",
  "frame": "requestAnimationFrame, stops in a hidden tab",
  "interval": "setInterval: overlaps, the classroom's mistake",
};

/** The name of a transport; one that is not known is its own. */
export function transportName(transport) {
  return TRANSPORTS[transport]?.name ?? transport ?? "";
}

function inSentence(transport) {
  return TRANSPORTS[transport]?.over ?? transport;
}

/** What the two servers are called. */
export function serverName(server) {
  switch (server) {
    case "threads": return "a thread per client";
    case "event-loop": return "one event loop";
    default: return "";
  }
}

/** How the connection stands, in one line, from the library's state. */
export function stateWords({ state, transport, why, switchingTo }) {
  switch (state) {
    case "open":
      return switchingTo
        ? `Going over to ${inSentence(switchingTo)}`
        : `Connected over ${inSentence(transport)}`;
    case "connecting":
      return `Connecting over ${inSentence(transport)}`;
    case "waiting":
      return why ? `Offline: ${why}` : "Offline";
    case "stopped":
      return `Stopped. ${why ?? ""}`.trim();
    case "closed":
      return "Closed";
    default:
      return state;
  }
}

/** `next try in 3 s`; `now` and `retryAt` are in ms. */
export function waitWords(retryAt, now) {
  const seconds = Math.ceil((retryAt - now) / 1000);
  return seconds > 0 ? `next try in ${seconds} s` : "trying now";
}
