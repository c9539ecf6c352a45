// The strip under the title: how the connection stands, always in sight.

import { byId } from "./dom.js";
import { serverName, stateWords, waitWords } from "./transports.js";

/** `retry` is what "Try now" does. */
export function createStatus({ retry }) {
  const strip = byId("connection");
  const words = byId("connection-words");
  const wait = byId("connection-wait");
  const again = byId("try-now");
  const server = byId("server");
  let timer = 0;
  again.addEventListener("click", retry);

  // The countdown is apart from the words, or a screen reader would read
  // every second aloud.
  function countDown(state) {
    clearInterval(timer);
    wait.textContent = "";
    if (!state.retryAt) return;
    const show = () => {
      wait.textContent = waitWords(state.retryAt, Date.now());
    };
    show();
    timer = setInterval(show, 250);
  }

  return {
    state(state) {
      strip.dataset.state = state.state;
      const said = stateWords(state);
      if (words.textContent !== said) words.textContent = said;
      strip.title = state.why ?? "";
      again.hidden = state.state !== "waiting" && state.state !== "stopped";
      countDown(state);
      if (state.server) this.server(state.server);
    },
    /** Which of the twins this is; polls cannot tell by themselves. */
    server(kind) {
      server.hidden = serverName(kind) === "";
      server.textContent = serverName(kind);
      server.dataset.server = kind;
    },
  };
}

/** Asks a server what it is: `threads`, `event-loop`, or "" if it is mute. */
export async function askServer(origin) {
  try {
    const answer = await fetch(new URL("/api/server", origin));
    return (await answer.json()).server ?? "";
  } catch {
    return "";
  }
}
