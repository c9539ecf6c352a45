// Who is here, as the server says it.

import { byId, el } from "./dom.js";
import { colourOf } from "./names.js";
import { plural } from "./units.js";

/** A page for the side panel. Also keeps the count in the bar. */
export function createPresence({ me }) {
  const count = byId("people-count");
  const words = el("p", { class: "note", role: "status" },
    "Who is here is told over sockets, events and streams.");
  const list = el("ul", { class: "people" });
  const element = el("div", {}, el("h2", {}, "In this room"), list, words);

  return {
    name: "people",
    title: "People",
    element,
    /** `nicks` may be cut short by the server; `count` is all readers. */
    presence({ nicks, count: readers }) {
      count.hidden = false;
      count.textContent = String(readers);
      list.replaceChildren(...nicks.map((nick) => el("li", {
        class: `nick-${colourOf(nick)}${nick === me() ? " you" : ""}`,
      }, el("span", {}, nick))));
      words.textContent = readerWords(nicks.length, readers);
    },
    /** Polling readers are not told, so what is shown would go stale. */
    unknown() {
      count.hidden = true;
      list.replaceChildren();
      words.textContent = "With polling, nobody tells this page who is here.";
    },
  };
}

// A name counts once, in however many tabs its owner is here.
function readerWords(named, readers) {
  const more = readers - named;
  const open = `${plural(readers, "reader")} connected`;
  return more > 0 ? `${open}, ${more} unnamed or in further tabs.` : `${open}.`;
}
