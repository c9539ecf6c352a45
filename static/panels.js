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

export function createPanels(prefs, pages) {
  const panel = byId("panel");
  const wide = matchMedia(WIDE);
  const shown = new Map(pages.map((page) => [page.name, build(page)]));
  let open = "";
  let opener = null;

  // A drawer covers the page: nothing under it takes part then.
  function cover() {
    const covers = open !== "" && !wide.matches;
    for (const part of document.querySelectorAll(UNDER)) part.inert = covers;
  }

  function show(name) {
    open = name;
    panel.hidden = name === "";
    cover();
    for (const [key, { tab, body }] of shown) {
      tab.setAttribute("aria-selected", String(key === name));
      tab.tabIndex = key === name ? 0 : -1;
      body.hidden = key !== name;
      document.getElementById(`${key}-open`)
        ?.setAttribute("aria-expanded", String(key === name));
    }
    prefs.write(KEY, name === "" ? "none" : name);
    pages.find((page) => page.name === name)?.shown?.();
  }

  function build(page) {
    const id = `panel-${page.name}`;
    const tab = el("button", {
      "type": "button",
      "role": "tab",
      "id": `${id}-tab`,
      "aria-controls": id,
    }, page.title);
    const body = el("div", {
      "id": id,
      "class": "panel-page",
      "role": "tabpanel",
      "aria-labelledby": `${id}-tab`,
    }, page.element);
    tab.addEventListener("click", () => show(page.name));
    byId("panel-tabs").append(tab);
    byId("panel-pages").append(body);
    return { tab, body };
  }

  // Arrow keys go from tab to tab, as in every tab list.
  byId("panel-tabs").addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    const at = pages.findIndex((page) => page.name === open);
    const next = pages.at((at + step) % pages.length);
    show(next.name);
    shown.get(next.name).tab.focus();
  });

  function close() {
    show("");
    opener?.focus();
  }
  byId("panel-close").addEventListener("click", close);
  panel.addEventListener("keydown", (event) => {
    if (event.key === "Escape") close();
  });

  const kept = prefs.read(KEY, "people");
  wide.addEventListener("change", cover);
  // A click on what lies under a drawer lands here, and closes it.
  document.body.addEventListener("click", (event) => {
    if (event.target === document.body && open !== "") close();
  });
  show(wide.matches && shown.has(kept) ? kept : "");

  return {
    /** Opens a page; closing it goes back to the element `from`. */
    open(name, from) {
      opener = from;
      show(name);
      shown.get(name).tab.focus();
    },
    /** Opens a page, or closes it if it is the one in sight. */
    toggle(name, from) {
      if (open === name) close();
      else this.open(name, from);
    },
    trace: (entry) => pages.forEach((page) => page.trace?.(entry)),
    state: (state) => pages.forEach((page) => page.state?.(state)),
  };
}
