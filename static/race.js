// The race: one room over every transport at once, in lanes.
//
// Each lane is a connection of its own. A post goes out once, and each lane
// shows how long after that it had it. HTTP/1.1 gives a page six connections
// to a host, and three lanes hold one each; so the page itself goes over to
// a WebSocket, which does not count, for as long as the race lasts.

import { connect } from "./realtime/index.js";
import { button, byId, el } from "./dom.js";
import { Lane } from "./race-lane.js";
import { TRANSPORTS } from "./transports.js";

/** A starter's pace: slow enough to watch, far below the rate limit. */
const EVERY_MS = 2000;

export class Race {
  #section = byId("race");
  #opener = byId("race-open");
  #lanes = el("div", { class: "lanes" });
  #starter = createStarter(() => this.#post());
  #options;
  #running = [];
  #started = new Map(); // a post's id → when it went out
  #number = 0;
  #wanted = "auto";
  #picture = 0;

  /**
   * `room`; `chat()` is the page's connection; `post(text)` posts by it, or
   * is false if nobody has a name yet; `onOpen(open)` is told when the race
   * takes the place of the messages.
   */
  constructor(options) {
    this.#options = options;
    this.#section.append(
      el("div", { class: "race-head" },
        el("h2", { id: "race-title" }, "The same room, every way at once"),
        button("Post one", { class: "main" }, () => this.#post()),
        this.#starter.element,
        button("Back to the messages", {}, () => this.#close())),
      this.#lanes,
      el("p", { class: "note" }, "A bar is the time from a post to its coming "
        + "back in that lane, on a scale where each third is ten times more. "
        + "Lanes that wait grow. Whatever you write below races too."),
    );
    this.#opener.addEventListener("click", () =>
      (this.#section.hidden ? this.#open() : this.#close()));
  }

  /** An own post goes out: the clock of every lane starts. */
  posted(id) {
    if (this.#section.hidden || this.#started.has(id)) return;
    this.#started.set(id, performance.now());
    this.#running.forEach((lane) => lane.start(id));
  }

  #open() {
    const { room, chat } = this.#options;
    this.#wanted = chat().state.wanted;
    chat().switchTo("socket");
    this.#started = new Map();
    this.#running = Object.keys(TRANSPORTS).map((transport) =>
      new Lane(transport, {
        room,
        connect,
        after: chat().cursor,
        started: (id) => this.#started.get(id),
        onSeen: (id) => this.#rank(id),
      }));
    this.#lanes.replaceChildren(...this.#running.map((lane) => lane.element));
    this.#show(true);
    this.#draw();
  }

  #close() {
    this.#starter.stop();
    cancelAnimationFrame(this.#picture);
    this.#running.forEach((lane) => lane.close());
    this.#running = [];
    this.#options.chat().switchTo(this.#wanted);
    this.#show(false);
    this.#opener.focus();
  }

  #show(isOpen) {
    this.#section.hidden = !isOpen;
    this.#opener.setAttribute("aria-pressed", String(isOpen));
    this.#options.onOpen(isOpen);
  }

  #draw() {
    const now = performance.now();
    this.#running.forEach((lane) => lane.draw(now));
    this.#picture = requestAnimationFrame(() => this.#draw());
  }

  #post() {
    this.#number += 1;
    if (!this.#options.post(`race ${this.#number}`)) this.#starter.stop();
  }

  /** Whoever had the newest post first wears the mark. */
  #rank(id) {
    const times = this.#running.map((lane) => lane.timeOf(id) ?? Infinity);
    const best = Math.min(...times);
    this.#running.forEach((lane, i) => lane.lead(times[i] === best));
  }
}

/** The button that posts again and again until it is pressed once more. */
function createStarter(post) {
  let timer = 0;
  const element = button("Post every 2 s", {}, () => (timer ? stop() : go()));

  function show() {
    element.setAttribute("aria-pressed", String(timer !== 0));
    element.textContent = timer ? "Stop posting" : "Post every 2 s";
  }
  function go() {
    timer = setInterval(post, EVERY_MS);
    show();
    post();
  }
  function stop() {
    clearInterval(timer);
    timer = 0;
    show();
  }
  show();
  return { element, stop };
}
