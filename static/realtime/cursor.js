// Once, and in order.
//
// Every transport delivers a room's messages without holes, starting after
// some cursor that this page had already reached. So two overlapping
// transports, a repeated answer or one that arrives late can only repeat
// what is known: everything up to the cursor is dropped, and what is left is
// each message once, in the room's order.

export function createCursor(start) {
  let at = start;
  let roomLast;
  let catchingUp = true;
  let first = start === undefined;

  function quiet() {
    // In a room that was empty the cursor begins at what the hello said.
    at ??= roomLast;
    catchingUp = false;
    first = false;
  }

  return {
    /** `seq` of the last message let through; undefined before the first.
     *  This is what every transport sends as `after`. */
    get at() {
      return at;
    },

    /**
     * A transport that was opened with `after` has been let in: its hello.
     * @returns {null | {after, last}} where continuity was lost, if it was
     */
    hello({ last, gap }, after) {
      roomLast = last;
      catchingUp = at === undefined || at < last;
      if (!gap || at === undefined) return null;
      const lost = { after: at, last };
      // A cursor newer than the room: it was started afresh. Keeping the
      // old cursor would drop everything it says from now on. Once is
      // enough: a second hello may tell of the same loss.
      if (last < after && after <= at) at = 0;
      return lost;
    },

    /** What the room had at the hello has come. */
    quiet,

    /**
     * Lets a message through, or not.
     * @returns {null | "history" | "caught-up" | "live"} null: seen before
     */
    accept({ seq }) {
      if (at !== undefined && seq <= at) return null;
      if (catchingUp && seq > roomLast) quiet();
      at = seq;
      if (!catchingUp) return "live";
      const how = first ? "history" : "caught-up";
      if (seq === roomLast) quiet();
      return how;
    },
  };
}
