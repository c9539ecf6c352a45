// Choosing how to be connected, while connected.

import { el } from "./dom.js";
import { BACKOFFS, POLL_TIMERS, TRANSPORTS } from "./transports.js";

/**
 * Three choices, kept in `prefs`. `change(what, value)` is told of each:
 * `transport`, `backoff` or `pollTimer`.
 */
export function createPicker(prefs, { change }) {
  const names = Object.entries(TRANSPORTS).map(([key, { name }]) =>
    [key, name]);
  const transport = choice("transport", "Transport",
    [["auto", "Automatic"], ...names]);
  const timer = choice("pollTimer", "Poll timer", Object.entries(POLL_TIMERS));
  const backoff = choice("backoff", "After a failure",
    Object.entries(BACKOFFS));
  const says = el("p", { class: "note" });
  const element = el("div", { class: "choosers" },
    ...transport.row, says, ...timer.row, ...backoff.row);

  function choice(key, label, options) {
    const id = `pick-${key}`;
    const select = el("select", { id }, ...options.map(([value, words]) =>
      el("option", { value }, words)));
    select.value = prefs.read(key, options[0][0]);
    if (select.value === "") select.value = options[0][0];
    select.addEventListener("change", () => {
      prefs.write(key, select.value);
      change(key, select.value);
    });
    return { select, row: [el("label", { for: id }, label), select] };
  }

  function showTimer(shown) {
    for (const part of timer.row) part.hidden = !shown;
  }

  showTimer(transport.select.value === "short-poll");
  return {
    element,
    focus: () => transport.select.focus(),
    get transport() { return transport.select.value; },
    get pollTimer() { return timer.select.value; },
    get backoff() { return backoff.select.value; },
    state(state) {
      showTimer([state.wanted, state.transport].includes("short-poll"));
      says.textContent = explain(state);
    },
  };
}

function explain({ transport, why, polling }) {
  const what = TRANSPORTS[transport]?.says ?? "";
  const overlap = polling?.flying > 1
    ? ` ${polling.flying} questions are under way at once.` : "";
  const late = polling?.late > 0
    ? ` ${polling.late} answers came after a younger one.` : "";
  const because = why ? ` ${why[0].toUpperCase()}${why.slice(1)}.` : "";
  return `${what}${because}${overlap}${late}`;
}
