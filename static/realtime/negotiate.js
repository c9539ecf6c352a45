// Which transport to take.
//
// Best first. One that does not open, opens and stays silent, or is cut
// again and again while the server itself answers is given up for the next;
// after a while a better one is tried beside the one in use. Pure: it is
// told what happened and when, and answers.

import { duration, transportName } from "./words.js";

/** The order of preference. Not `socket-by-hand`: it is the same thing. */
export const ORDER = [
  "socket",
  "events",
  "stream",
  "long-poll",
  "short-poll",
];

/** The first wait before a better transport is tried again; it doubles. */
const BETTER_AFTER = 60_000;
const BETTER_AFTER_MOST = 16 * 60_000;

/** A connection shorter than this, this often in a row, is no good. */
const SHORT_LIFE = 5000;
const SHORT_LIVES = 3;

export function createNegotiator(order = ORDER) {
  const givenUp = new Map(); // transport → why, in words
  let shortLives = 0;
  let betterAfter = BETTER_AFTER;
  let tries = 0;

  function choice() {
    // When all have failed, the last still gets through most walls.
    return order.find((name) => !givenUp.has(name)) ?? order.at(-1);
  }

  function giveUp(name, why) {
    if (name === order.at(-1)) return;
    givenUp.set(name, why);
    shortLives = 0;
  }

  return {
    /** The transport to take now. */
    get choice() {
      return choice();
    },

    /** It did not open, or stayed silent, though the server answers. */
    failed: giveUp,

    /** It was open for `ms` and was then cut. */
    lived(name, ms) {
      shortLives = ms < SHORT_LIFE ? shortLives + 1 : 0;
      if (shortLives < SHORT_LIVES) return;
      giveUp(name, `it was cut ${shortLives} times at once`);
    },

    /**
     * Which better one to try beside `current`, and in how long: each of
     * those above it in turn, as any of them may be the one let through.
     * @returns {null | {name: string, ms: number}}
     */
    better(current) {
      const above = order.slice(0, order.indexOf(current));
      if (above.length === 0) return null;
      return { name: above[tries % above.length], ms: betterAfter };
    },

    /** The better one was tried and failed: later next time. */
    noBetter() {
      tries += 1;
      betterAfter = Math.min(2 * betterAfter, BETTER_AFTER_MOST);
    },

    /** `name` works: what is said against it is forgotten. */
    forgive(name) {
      givenUp.delete(name);
      tries = 0;
      shortLives = 0;
      betterAfter = BETTER_AFTER;
    },

    /** Why `name`, in a sentence. */
    explain(name) {
      const told = [...givenUp]
        .filter(([other]) => other !== name)
        .map(([other, why]) => `${transportName(other)}: ${why}`);
      if (told.length === 0) return `${transportName(name)}: the best there is`;
      const again = `a better one is tried in ${duration(betterAfter)}`;
      return `${transportName(name)}, because ${told.join("; ")}; ${again}`;
    },
  };
}
