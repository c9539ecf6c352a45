// One lane of the race: a connection, its latency, requests and bytes.

import { el } from "./dom.js";
import { stateWords, transportName } from "./transports.js";
import { bytes, duration, median } from "./units.js";

/** Latencies behind the median. */
const KEPT = 50;

/** The two ends of a track, in ms, three decades apart. */
const SHORTEST = 3;
const LONGEST = 3000;

/** How far along its track a latency is, from 0 to 1. */
export function distance(ms) {
  const decades = Math.log10(LONGEST / SHORTEST);
  const far = Math.log10(Math.max(ms, SHORTEST) / SHORTEST) / decades;
  return Math.min(1, 0.02 + 0.98 * far);
}

export class Lane {
  #view;
  #chat;
  #options;
  #times = new Map(); // a post's id → how long it took to be here, in ms
  #waitingFor = null;

  /**
   * `connect` is the library's; `started(id)` is when a post went out, in
   * `performance.now()` milliseconds; `onSeen(id)` that it came back here.
   */
  constructor(transport, options) {
    const { connect, room, after } = options;
    this.#options = options;
    this.#view = createView(transport);
    this.#chat = connect({
      room,
      transport,
      after,
      share: false,
      storage: null,
      onState: (state) => this.#view.state(state),
      onMessage: (message) => this.#seen(message),
    });
  }

  get element() {
    return this.#view.element;
  }

  start(id) {
    this.#waitingFor = id;
  }

  timeOf(id) {
    return this.#times.get(id);
  }

  lead(leads) {
    this.element.classList.toggle("lead", leads);
  }

  /** Once a picture: a lane that waits grows, figures follow. */
  draw(now) {
    const since = this.#options.started(this.#waitingFor);
    if (since !== undefined) this.#view.waits(now - since);
    this.#view.totals(Object.values(this.#chat.totals));
  }

  close() {
    this.#chat.close();
  }

  #seen({ id, text }) {
    const since = this.#options.started(id);
    if (since === undefined) return;
    const ms = performance.now() - since;
    this.#times.set(id, ms);
    if (this.#times.size > KEPT) {
      this.#times.delete(this.#times.keys().next().value);
    }
    if (this.#waitingFor === id) this.#waitingFor = null;
    this.#view.seen(text, ms, median([...this.#times.values()]));
    this.#options.onSeen(id);
  }
}

function createView(transport) {
  const state = el("span", { class: "lane-state" }, "connecting");
  const latency = createFigure("median –", "–");
  const bar = el("i");
  const words = el("span", { class: "lane-last note" });
  const requests = createFigure("requests");
  const size = createFigure("bytes");
  const name = transportName(transport);
  const element = el("section", { "class": "lane", "aria-label": name },
    el("h3", { class: "lane-name" }, name, state),
    latency.element,
    el("div", { class: "lane-track" },
      el("div", { class: "track", "aria-hidden": "true" }, bar), words),
    requests.element, size.element);
  latency.element.classList.add("time");

  const show = (ms, waits) => {
    element.classList.toggle("running", waits);
    bar.style.setProperty("--far", `${(100 * distance(ms)).toFixed(1)}%`);
  };

  return {
    element,
    state(now) {
      state.textContent = now.state === "open" ? "open" : stateWords(now);
    },
    seen(text, ms, middle) {
      latency.set(duration(ms), `median ${duration(middle)}`);
      words.textContent = text;
      show(ms, false);
    },
    waits: (ms) => show(ms, true),
    totals(all) {
      const sum = (read) => all.reduce((total, one) => total + read(one), 0);
      requests.set(String(sum((one) => one.requests)), "requests");
      size.set(bytes(sum((one) => one.bytesOut + one.bytesIn)), "bytes");
    },
  };
}

/** A figure over what it counts; it touches the page only when it changes. */
function createFigure(label, first = "0") {
  const value = el("strong", {}, first);
  const under = el("span", {}, label);
  const say = (part, words) => {
    if (part.textContent !== words) part.textContent = words;
  };
  return {
    element: el("p", { class: "lane-figure" }, value, under),
    set(words, below) {
      say(value, words);
      say(under, below);
    },
  };
}
