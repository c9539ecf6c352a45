// The wire: what goes over the network now, what it adds up to, and why.

import { button, el, oncePerFrame } from "./dom.js";
import { transportName } from "./transports.js";
import { bytes, duration } from "./units.js";

/** Lines kept in sight; a busy room makes hundreds a second. */
const MOST_LINES = 120;
const MOST_STORIES = 30;

const ARROWS = { out: "↑", in: "↓" };
const DIRECTIONS = { out: "sent", in: "received" };

/**
 * A page for the side panel. `picker` is the element with the choices;
 * `totals()` gives the library's, by transport.
 */
export function createWirePanel({ picker, totals }) {
  const sums = el("table", { class: "table" }, sumHead());
  const story = el("ul", { class: "story" });
  const list = el("ol", { class: "wire-list" });
  const hold = button("Hold", { "class": "link", "aria-pressed": "false" },
    () => {
      held = !held;
      hold.setAttribute("aria-pressed", String(held));
      hold.textContent = held ? "Go on" : "Hold";
      draw();
    });
  const element = el("div", {},
    el("h2", {}, "Connection"), picker,
    el("h2", {}, "So far"), sums,
    el("p", { class: "note" }, "Bytes count headers; those a page cannot see "
      + "are estimated. Latency: own post to seen."),
    el("h2", {}, "What happened"), story,
    el("div", { class: "wire-head" }, el("h2", {}, "On the wire"), hold),
    list);
  let fresh = [];
  let stories = [];
  let held = false;
  let inUse = "";

  const draw = oncePerFrame(() => {
    sums.replaceChildren(sums.tHead, ...Object.entries(totals())
      .map(([name, sum]) => sumRows(name, sum, name === inUse)));
    story.prepend(...stories.splice(0).reverse().map(storyLine));
    cut(story, MOST_STORIES);
    if (held) return;
    list.prepend(...fresh.splice(0).reverse().map(wireLine));
    cut(list, MOST_LINES);
  });

  return {
    name: "wire",
    title: "Wire",
    element,
    shown: draw,
    state({ transport }) {
      inUse = transport;
      draw();
    },
    trace(entry) {
      switch (entry.kind) {
        case "story":
        case "order":
          stories = [...stories, entry].slice(-MOST_STORIES);
          break;
        case "latency":
          break; // in the sums
        default:
          fresh.push(entry);
          if (fresh.length > MOST_LINES) fresh.shift();
      }
      // Nobody looks: what is drawn when it opens is enough.
      if (element.checkVisibility()) draw();
    },
  };
}

function sumHead() {
  const heads = ["requests", "frames", "out", "in", "latency"];
  return el("thead", {}, el("tr", {}, ...heads.map((head) =>
    el("th", { scope: "col" }, head))));
}

// The name has a line of its own: five figures fill a phone's width.
function sumRows(name, sum, inUse) {
  const { count, last, mean } = sum.latency;
  const cells = [
    String(sum.requests),
    String(sum.frames),
    bytes(sum.bytesOut),
    bytes(sum.bytesIn),
    count > 0 ? duration(last) : "–",
  ];
  const title = count > 0
    ? `own post to seen: ${count} times, mean ${duration(mean)}` : "";
  const head = el("th", { colspan: cells.length, scope: "rowgroup" },
    transportName(name), inUse ? " (in use)" : "");
  return el("tbody", { class: inUse ? "in-use" : "", title },
    el("tr", {}, head),
    el("tr", {}, ...cells.map((cell) => el("td", {}, cell))));
}

function storyLine(entry) {
  return el("li", { class: entry.kind },
    el("time", {}, new Date(entry.at).toLocaleTimeString()), " ",
    entry.summary);
}

function wireLine(entry) {
  const { direction, kind, status, summary, transport } = entry;
  const title = `${transportName(transport)}: ${summary}`;
  return el("li", { class: status >= 400 ? "bad" : "", title },
    el("span", { class: direction ?? "" },
      el("span", { "aria-hidden": "true" }, ARROWS[direction] ?? "·"),
      el("span", { class: "hidden" }, DIRECTIONS[direction] ?? "")),
    el("span", { class: "words" }, shorten(summary || kind)),
    el("span", { class: "size" },
      (entry.estimated ? "≈" : "") + (direction ? bytes(entry.bytes) : "")),
    el("span", { class: "took" }, duration(entry.ms)));
}

// The room is known; what is asked of it is the news.
function shorten(summary) {
  return summary.replace(/\/api\/rooms\/[^/?]+\//, "…/");
}

function cut(list, most) {
  while (list.childElementCount > most) list.lastElementChild.remove();
}
