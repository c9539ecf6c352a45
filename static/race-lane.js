// One lane of the race: a connection, its latency, requests and bytes.

import { el } from "./dom.js";
import { stateWords, transportName } from "./transports.js";
import { bytes, duration, median } from "./units.js";

/** Latencies behind the median. */
const KEPT = 50;

/** The track's end, in ms: three decades above `SHORTEST`. */
const SHORTEST = 3;
const LONGEST = 3000;

/** How far along its track a latency is, from 0 to 1. */
export function distance(ms) {
  const decades = Math.log10(LONGEST / SHORTEST);
  const far = Math.log10(Math.max(ms, SHORTEST) / SHORTEST) / decades;
  return Math.min(1, 0.02 + 0.98 * far);
}

/**
 * `connect` is the library's; `start(id)` is when a post went out, in
 * `performance.now()` milliseconds; `onSeen(id)` that it came back here.
 */
export function createLane(transport, { connect, room, after, start, onSeen }) {
  const view = createView(transport);
  const times = new Map();
  let waitingFor = null;

  const chat = connect({
    room, transport, after, share: false, storage: null,
    onState: (state) => view.state(state),
    onMessage(message) {
      const went = start(message.id);
      if (went === undefined) return;
      times.set(message.id, performance.now() - went);
      if (times.size > KEPT) times.delete(times.keys().next().value);
      if (waitingFor === message.id) waitingFor = null;
      view.seen(message.text, times.get(message.id), [...times.values()]);
      onSeen(message.id);
    },
  });

  return {
    element: view.element,
    start(id) { waitingFor = id; },
    timeOf: (id) => times.get(id),
    lead: (leads) => view.element.classList.toggle("lead", leads),
    draw(now) {
      view.running(waitingFor !== null, now - (start(waitingFor) ?? now));
      view.totals(Object.values(chat.totals));
    },
    close: () => chat.close(),
  };
}

function createView(transport) {
  const state = el("span", { class: "lane-state" }, "connecting");
  const last = el("strong", {}, "–");
  const middle = el("span", {}, "median –");
  const bar = el("i");
  const words = el("span", { class: "lane-last note" });
  const requests = figure("requests");
  const size = figure("bytes");
  const element = el("section", {
    "class": "lane", "aria-label": transportName(transport),
  },
  el("h3", { class: "lane-name" }, transportName(transport), state),
  el("p", { class: "lane-figure time" }, last, middle),
  el("div", { class: "lane-track" },
    el("div", { class: "track", "aria-hidden": "true" }, bar), words),
  requests.element, size.element);

  const far = (ms) =>
    bar.style.setProperty("--far", `${(100 * distance(ms)).toFixed(1)}%`);

  return {
    element,
    state(now) {
      state.textContent = now.state === "open" ? "open" : stateWords(now);
    },
    seen(text, ms, all) {
      last.textContent = duration(ms);
      middle.textContent = `median ${duration(median(all))}`;
      words.textContent = text;
      far(ms);
    },
    running(runs, ms) {
      element.classList.toggle("running", runs);
      if (runs) far(ms);
    },
    totals(all) {
      const sum = (read) => all.reduce((total, one) => total + read(one), 0);
      requests.set(String(sum((one) => one.requests)));
      size.set(bytes(sum((one) => one.bytesOut + one.bytesIn)));
    },
  };
}

function figure(label) {
  const value = el("strong", {}, "0");
  const element = el("p", { class: "lane-figure" },
    value, el("span", {}, label));
  return {
    element,
    set(words) {
      if (value.textContent !== words) value.textContent = words;
    },
  };
}
