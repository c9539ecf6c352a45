// The race: one room over every transport at once, in lanes.
//
// Each lane is a connection of its own. A post goes out once, and each lane
// shows how long after that it had it. HTTP/1.1 gives a page six connections
// to a host, and three lanes hold one each; so the page itself goes over to
// a WebSocket, which does not count, for as long as the race lasts.

import { connect } from "/static/realtime/index.js";
import { button, byId, el } from "./dom.js";
import { createLane } from "./race-lane.js";
import { TRANSPORTS } from "./transports.js";

/** A starter's pace: slow enough to watch, far below the rate limit. */
const EVERY_MS = 2000;

/**
 * `room`; `chat()` is the page's connection; `post(text)` posts by it, or is
 * false if nobody has a name yet; `onOpen(open)` is told when the race takes
 * the place of the messages.
 */
export function createRace({ room, chat, post, onOpen }) {
  const section = byId("race");
  const opener = byId("race-open");
  const lanes = el("div", { class: "lanes" });
  const starter = button("Post every 2 s", { "aria-pressed": "false" },
    () => (timer ? rest() : pace()));
  section.append(
    el("div", { class: "race-head" },
      el("h2", { id: "race-title" }, "The same room, every way at once"),
      button("Post one", { class: "main" }, () => go()),
      starter,
      button("Back to the messages", {}, () => close())),
    lanes,
    el("p", { class: "note" }, "A bar is the time from a post to its coming "
      + "back in that lane, on a scale where each third is ten times more. "
      + "Lanes that wait grow. Whatever you write below races too."),
  );
  let running = [];
  let started = new Map();
  let timer = 0;
  let number = 0;
  let wanted = "auto";
  let picture = 0;

  function open() {
    wanted = chat().state.wanted;
    chat().switchTo("socket");
    started = new Map();
    running = Object.keys(TRANSPORTS).map((transport) =>
      createLane(transport, {
        connect, room, after: chat().cursor, start: (id) => started.get(id),
        onSeen: rank,
      }));
    lanes.replaceChildren(...running.map((lane) => lane.element));
    show(true);
    tick();
  }

  function close() {
    rest();
    cancelAnimationFrame(picture);
    running.forEach((lane) => lane.close());
    running = [];
    chat().switchTo(wanted);
    show(false);
    opener.focus();
  }

  function show(isOpen) {
    section.hidden = !isOpen;
    opener.setAttribute("aria-pressed", String(isOpen));
    onOpen(isOpen);
  }

  function tick() {
    const now = performance.now();
    running.forEach((lane) => lane.draw(now));
    picture = requestAnimationFrame(tick);
  }

  function go() {
    number += 1;
    if (!post(`race ${number}`)) rest();
  }

  function pace() {
    timer = setInterval(go, EVERY_MS);
    starter.setAttribute("aria-pressed", "true");
    starter.textContent = "Stop posting";
    go();
  }

  function rest() {
    clearInterval(timer);
    timer = 0;
    starter.setAttribute("aria-pressed", "false");
    starter.textContent = "Post every 2 s";
  }

  // Whoever had the newest post first wears the mark.
  function rank(id) {
    const times = running.map((lane) => lane.timeOf(id) ?? Infinity);
    const best = Math.min(...times);
    running.forEach((lane, i) => lane.lead(times[i] === best));
  }

  opener.addEventListener("click", () => (section.hidden ? open() : close()));
  return {
    /** An own post goes out: the clock of every lane starts. */
    posted(id) {
      if (section.hidden || started.has(id)) return;
      started.set(id, performance.now());
      running.forEach((lane) => lane.start(id));
    },
  };
}
