// How long to wait before trying again.
//
// Each strategy is a pure function of (attempt, random): `attempt` counts
// the failures so far from 0, `random` is drawn from [0, 1). The answer is
// in milliseconds.

const SECOND = 1000;

/** No wait is longer than this. */
const LONGEST = 30 * SECOND;

/** "At once" still lets the tab draw and the server breathe. */
const AT_ONCE = 100;

/** The steps of the classic table; the last one repeats. */
const STEPS = [0, 3, 10, 30].map((seconds) => seconds * SECOND);

/** 1, 2, 4, 8, 16, 30, 30 … seconds. The exponent is capped before the
 *  power, which would otherwise reach Infinity in a long night. */
function doubling(attempt) {
  return Math.min(LONGEST, SECOND * 2 ** Math.min(attempt, 10));
}

/** The strategies by name. */
export const backoffs = {
  // The mistake: a server that is trying to get up is knocked over again
  // by everyone who lost it.
  "at-once": () => AT_ONCE,

  "0/3/10/30": (attempt) =>
    Math.max(AT_ONCE, STEPS[Math.min(attempt, STEPS.length - 1)]),

  linear: (attempt) => Math.min(LONGEST, 2 * SECOND * (attempt + 1)),

  // Recovers fast and gives up slowly, but all who failed together come
  // back together.
  exponential: doubling,

  // Anywhere between nothing and the exponential wait: a crowd that was cut
  // in one instant comes back as a drizzle.
  "full-jitter": (attempt, random) =>
    Math.max(AT_ONCE, random * doubling(attempt)),
};

/**
 * The wait before the next attempt, in milliseconds.
 * @param {string} name one of `backoffs`
 * @param {number} attempt failures so far
 * @param {number} random from [0, 1)
 * @param {number} atLeast what the server asked for (Retry-After, bye)
 */
export function wait(name, attempt, random, atLeast = 0) {
  // On top of the server's figure, not instead of it: it gave the same
  // figure to everyone.
  return Math.round(atLeast + backoffs[name](attempt, random));
}
