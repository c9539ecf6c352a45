// Is the other end still there?
//
// A connection can die without a sound: a cable pulled, a train in a tunnel,
// a proxy that forgot. TCP does not notice while nothing is sent. So silence
// is measured: after a while a transport that can ask does so, and one that
// stays silent too long is dead.

/** The caller looks this often, in milliseconds. */
export const LOOK_EVERY = 1000;

/** A look that comes this late means that we were asleep ourselves: a
 *  hidden tab's timers are held back, a laptop's lid was closed. */
const OVERSLEPT = 5000;

/** What the other end gets to answer in after we have slept. */
const GRACE = 4000;

/**
 * @param {{askAfter?: number, deadAfter: number}} limits milliseconds of
 *   silence; without `askAfter` the server beats by itself
 * @param {number} now milliseconds
 */
export function createHeartbeat({ askAfter = Infinity, deadAfter }, now) {
  let heard = now;
  let looked = now;
  let asked = false;

  return {
    /** Anything arrived. */
    heard(now) {
      heard = now;
      asked = false;
    },

    /** What to do: `"fine"`, `"ask"` (once a silence) or `"dead"`. */
    look(now) {
      const slept = now - looked > OVERSLEPT;
      looked = now;
      if (slept) {
        // What arrived meanwhile may still be queued behind this timer.
        heard = Math.max(heard, now - deadAfter + GRACE);
        asked = false;
      }
      const silence = now - heard;
      if (silence >= deadAfter) return "dead";
      if (asked || silence < askAfter) return "fine";
      asked = true;
      return "ask";
    },
  };
}
