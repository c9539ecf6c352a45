// The other server beside this one: `/?twin=http://127.0.0.1:8081`.
//
// What is posted goes to both, and each column says how long its server
// took to show it. The rooms are two: each server has its own messages.

import { connect } from "./realtime/index.js";
import { createConversation, makeColumn } from "./conversation.js";
import { byId, el } from "./dom.js";
import { askServer } from "./status.js";
import { serverName, stateWords, transportName } from "./transports.js";
import { duration, median } from "./units.js";

/** Latencies behind the median. */
const KEPT = 50;

/** The twin's origin from the page's query, or null. Pure. */
export function twinOf(query) {
  try {
    const { protocol, origin } = new URL(
      new URLSearchParams(query).get("twin") ?? "");
    return protocol === "http:" || protocol === "https:" ? origin : null;
  } catch {
    return null;
  }
}

/** The line above a column: which server, how it stands, how fast. */
export function createHeading(element) {
  const name = el("span", {}, "…");
  const state = el("span", { class: "note" });
  const figures = el("span", { class: "figures" });
  element.replaceChildren(figures, name, " ", state);
  element.classList.add("column-title", "unknown");
  const times = [];

  return {
    server(kind) {
      if (serverName(kind) === "") return;
      name.textContent = serverName(kind);
      element.classList.replace("unknown", kind);
    },
    state(now) {
      state.textContent = now.state === "open"
        ? transportName(now.transport)
        : `${stateWords(now)}. ${now.why ?? ""}`;
    },
    latency(ms) {
      times.push(ms);
      if (times.length > KEPT) times.shift();
      figures.replaceChildren(el("strong", {}, duration(ms)),
        ` median ${duration(median(times))}`);
    },
  };
}

/** `settings` are the page's for `connect`; the rest as in `app.js`. */
export function createTwin(origin, settings, { isMine, nick, onPost }) {
  const section = byId("twin");
  section.hidden = false;
  const title = section.appendChild(el("h2", { title: origin }));
  const heading = createHeading(title);
  const actions = {
    retry: (id) => chat.resend(id),
    dismiss: (id) => chat.discard(id),
  };
  const conversation = createConversation(makeColumn(section), {
    isMine, nick, actions, older: (...page) => chat.older(...page),
  });
  const chat = connect({
    ...settings,
    url: origin,
    onMessage: conversation.add,
    onPost(post) {
      onPost(post);
      conversation.post(post);
    },
    onGap: conversation.gap,
    onState(state) {
      heading.state(state);
      if (state.server) heading.server(state.server);
      if (state.state === "open") conversation.ready();
      if (state.state === "waiting") heading.state(blocked(state, origin));
    },
    onTrace: (entry) => entry.kind === "latency" && heading.latency(entry.ms),
  });
  askServer(origin).then(heading.server);
  return chat;
}

// From here a server that is down and one that does not allow this page
// look the same.
function blocked(state, origin) {
  const why = `Is ${origin} running, and were both servers started with `
    + "--allow-origin for each other?";
  return { ...state, why };
}
