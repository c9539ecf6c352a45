// How many messages came while nobody looked. Pure.

/** Counts what arrives between two looks. */
export function createUnread() {
  let count = 0;
  return {
    get count() { return count; },
    /** A message came. True if it is the first one not looked at. */
    arrived(looking) {
      if (looking) return false;
      count += 1;
      return count === 1;
    },
    /** Somebody looks: everything is read. */
    looked() { count = 0; },
  };
}

/** `(3) #lobby · Twinchat` */
export function titleOf(room, count) {
  return `${count > 0 ? `(${count}) ` : ""}#${room} · Twinchat`;
}

/** What the button to the end says. */
export function jumpWords(count) {
  if (count === 0) return "To the newest";
  return count === 1 ? "1 new message" : `${count} new messages`;
}
