// The rules for rooms and nicks, as the protocol has them, said kindly.
//
// The server decides; this only saves a round trip and words the reason.

/** Where a page without a room in its address goes. */
export const DEFAULT_ROOM = "lobby";

/** How many colours `theme.css` has for nicks: `.nick-0` to `.nick-11`. */
export const NICK_COLOURS = 12;

const ROOM = /^[a-z0-9][a-z0-9-]{0,31}$/;
const NICK = /^[\p{L}\p{N}\p{M} _\-.']{1,24}$/u;

/** What is wrong with a room's name, in words, or "" if nothing is. */
export function roomProblem(name) {
  if (name === "") return "A room needs a name.";
  if (name.length > 32) return "A room's name has at most 32 characters.";
  if (ROOM.test(name)) return "";
  return "Use a to z, 0 to 9 and hyphens, not a hyphen first.";
}

/** Makes a room's name of what somebody typed: `My Class` → `my-class`. */
export function toRoom(typed) {
  return typed.trim().toLowerCase().replace(/^#/, "").replace(/[\s_]+/g, "-");
}

/** The room an address path names, or `DEFAULT_ROOM`. */
export function roomOf(path) {
  const name = /^\/r\/([^/]+)\/?$/.exec(path)?.[1] ?? "";
  return ROOM.test(name) ? name : DEFAULT_ROOM;
}

/** What is wrong with a nick, in words, or "" if nothing is. */
export function nickProblem(nick) {
  const trimmed = nick.trim();
  if (trimmed === "") return "Type the name others will see.";
  if ([...trimmed].length > 24) return "A name has at most 24 characters.";
  if (NICK.test(trimmed)) return "";
  return "Use letters, digits, spaces and _ - . '";
}

/** The number of a nick's colour; the same nick has the same everywhere. */
export function colourOf(nick) {
  let hash = 0x811c9dc5; // FNV-1a: short names still spread well
  for (const character of nick.normalize("NFC").toLowerCase()) {
    hash = Math.imul(hash ^ character.codePointAt(0), 0x01000193) >>> 0;
  }
  // Its upper bits are the better ones, after Knuth's multiplication.
  const spread = (Math.imul(hash, 0x9e3779b1) >>> 0) / 2 ** 32;
  return Math.floor(spread * NICK_COLOURS);
}
