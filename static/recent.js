// Rooms this browser has been in, offered where one goes to another.

import { byId, el } from "./dom.js";

const KEY = "rooms";
const MOST = 6;

/** Notes that `room` is open, and lists the others as links. */
export function createRecent(prefs, room) {
  const before = prefs.read(KEY).split(" ").filter((name) => name !== "");
  const rooms = [room, ...before.filter((name) => name !== room)];
  prefs.write(KEY, rooms.slice(0, MOST).join(" "));
  const others = rooms.slice(1, MOST);
  const place = byId("room-recent");
  place.hidden = others.length === 0;
  place.append(...others.map((name) =>
    el("a", { href: `/r/${name}${location.search}` }, `#${name}`)));
}
