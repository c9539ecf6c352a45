// The side panel: pages under tabs. A page is
//
//   { name, title, element, trace?(entry), state?(state), shown?() }
//
// and is told of every trace entry and state of the connection. A new page
// (frames as bits, say) is one module and one line in `app.js`.

import { byId, el } from "./dom.js";

const KEY = "panel";

/** On a screen this wide the panel stands beside the messages. */
const WIDE = "(min-width: 60.01rem)";

/** What a drawer lies over. */
const UNDER = ".bar, .strip, main, .composer";

export class Panels {
  #panel = byId("panel");
  #wide = matchMedia(WIDE);
  #prefs;
  #pages;
  #parts; // a page's name → its tab and its body
  #open = "";
  #opener = null;

  constructor(prefs, pages) {
    this.#prefs = prefs;
    this.#pages = pages;
    this.#parts = new Map(pages.map((page) => [page.name, this.#build(page)]));
    this.#listen();
    const kept = prefs.read(KEY, "people");
    this.#show(this.#wide.matches && this.#parts.has(kept) ? kept : "");
  }

  /** Opens a page; closing it goes back to the element `from`. */
  open(name, from) {
    this.#opener = from;
    this.#choose(name);
    this.#parts.get(name).tab.focus();
  }

  /** Opens a page, or closes it if it is the one in sight. */
  toggle(name, from) {
    if (this.#open === name) this.#close();
    else this.open(name, from);
  }

  trace(entry) {
    for (const page of this.#pages) page.trace?.(entry);
  }

  state(state) {
    for (const page of this.#pages) page.state?.(state);
  }

  #build({ name, title, element }) {
    const id = `panel-${name}`;
    const tab = el("button", {
      "type": "button",
      "role": "tab",
      "id": `${id}-tab`,
      "aria-controls": id,
    }, title);
    const body = el("div", {
      "id": id,
      "class": "panel-page",
      "role": "tabpanel",
      "aria-labelledby": `${id}-tab`,
    }, element);
    tab.addEventListener("click", () => this.#choose(name));
    byId("panel-tabs").append(tab);
    byId("panel-pages").append(body);
    return { tab, body };
  }

  #listen() {
    byId("panel-close").addEventListener("click", () => this.#close());
    byId("panel-tabs").addEventListener("keydown", (event) => {
      const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      if (step) this.#step(step);
    });
    this.#panel.addEventListener("keydown", (event) => {
      if (event.key === "Escape") this.#close();
    });
    // A click on what lies under a drawer lands on the body.
    document.body.addEventListener("click", (event) => {
      if (event.target === document.body && this.#covers()) this.#close();
    });
    this.#wide.addEventListener("change", () => this.#cover());
  }

  /** Arrow keys go from tab to tab, as in every tab list. */
  #step(step) {
    const at = this.#pages.findIndex(({ name }) => name === this.#open);
    const { name } = this.#pages.at((at + step) % this.#pages.length);
    this.#choose(name);
    this.#parts.get(name).tab.focus();
  }

  #close() {
    this.#choose("");
    this.#opener?.focus();
  }

  #choose(name) {
    this.#prefs.write(KEY, name || "none");
    this.#show(name);
  }

  #show(name) {
    this.#open = name;
    this.#panel.hidden = name === "";
    this.#cover();
    for (const [key, { tab, body }] of this.#parts) {
      tab.setAttribute("aria-selected", String(key === name));
      tab.tabIndex = key === name ? 0 : -1;
      body.hidden = key !== name;
      document.getElementById(`${key}-open`)
        ?.setAttribute("aria-expanded", String(key === name));
    }
    this.#pages.find((page) => page.name === name)?.shown?.();
  }

  #covers() {
    return this.#open !== "" && !this.#wide.matches;
  }

  /** Nothing under a drawer takes part. */
  #cover() {
    const covers = this.#covers();
    for (const part of document.querySelectorAll(UNDER)) part.inert = covers;
  }
}
