// Which transport to take.
//
// Best first. One that does not open, opens and stays silent, or is cut
// again and again while the server itself answers is given up for the next;
// after a while a better one is tried beside the one in use. Pure: it is
// told what happened, and answers.

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

export class Negotiator {
  #givenUp = new Map(); // transport → why, in words
  #shortLives = 0;
  #betterAfter = BETTER_AFTER;
  #tries = 0; // of better ones

  /** The transport to take now. */
  get choice() {
    // When all have failed, the last still gets through most walls.
    return ORDER.find((name) => !this.#givenUp.has(name)) ?? ORDER.at(-1);
  }

  /** It did not open, or stayed silent, though the server answers. */
  failed(name, why) {
    this.#givenUp.set(name, why);
    this.#givenUp.delete(ORDER.at(-1));
    this.#shortLives = 0;
  }

  /** It was open for `ms` and was then cut. */
  lived(name, ms) {
    this.#shortLives = ms < SHORT_LIFE ? this.#shortLives + 1 : 0;
    if (this.#shortLives < SHORT_LIVES) return;
    this.failed(name, `it was cut at once, ${SHORT_LIVES} times`);
  }

  /** `name` works: what is said against it is forgotten. */
  forgive(name) {
    this.#givenUp.delete(name);
    this.#tries = 0;
    this.#betterAfter = BETTER_AFTER;
  }

  /**
   * Which better one to try beside `current`, and in how long: each of those
   * above it in turn, as any of them may be the one let through.
   * @returns {null | {name: string, ms: number}}
   */
  better(current) {
    const above = ORDER.slice(0, ORDER.indexOf(current));
    if (above.length === 0) return null;
    return {
      name: above[this.#tries % above.length],
      ms: this.#betterAfter,
    };
  }

  /** The better one was tried and failed: later next time. */
  noBetter() {
    this.#tries += 1;
    this.#betterAfter = Math.min(2 * this.#betterAfter, BETTER_AFTER_MOST);
  }

  /** Why `name`, in a sentence. */
  explain(name) {
    const told = [...this.#givenUp]
      .filter(([other]) => other !== name)
      .map(([other, why]) => `${transportName(other)}: ${why}`);
    if (told.length === 0) return `${transportName(name)}: the best there is`;
    const because = `${transportName(name)}, because ${told.join("; ")}`;
    const again = duration(this.#betterAfter);
    return `${because}; a better one is tried in ${again}`;
  }
}
