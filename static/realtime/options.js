// What `connect` can be asked for, and what it does when it is not asked.

import { backoffs as strategies } from "./backoff.js";
import { transports as table } from "./transports/index.js";
import { timers } from "./transports/short-poll.js";

/** The names to choose from; transports are best first. */
export const transports = Object.keys(table);
export const backoffs = Object.keys(strategies);
export const pollTimers = Object.keys(timers);

/** Reading `localStorage` throws where the user has forbidden it. */
function storage() {
  try {
    return globalThis.localStorage ?? null;
  } catch {
    return null;
  }
}

function defaults() {
  return {
    url: globalThis.location?.origin,
    transport: "auto",
    backoff: "full-jitter",
    pollTimer: "timeout",
    pollEvery: 2000,
    share: true,
    storage: storage(),
  };
}

function among(names, what) {
  return (name) => {
    if (names.includes(name)) return name;
    throw new TypeError(`no ${what} "${name}": take ${names.join(", ")}`);
  };
}

/** Each gives its argument back, or throws a TypeError that says what may be
 *  asked for. */
export const check = {
  transport: among(["auto", ...transports], "transport"),
  backoff: among(backoffs, "backoff"),
  pollTimer: among(pollTimers, "poll timer"),
};

/** The options made whole, as a copy that may be changed. */
export function complete(options) {
  const settings = { ...defaults(), ...options };
  check.transport(settings.transport);
  check.backoff(settings.backoff);
  check.pollTimer(settings.pollTimer);
  return settings;
}
