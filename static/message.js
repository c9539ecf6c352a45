// One message as an element: who, what, when, and what became of one's own.

import { clockTime, fullTime } from "./days.js";
import { button, el } from "./dom.js";
import { calls, pieces } from "./format.js";
import { colourOf } from "./names.js";
import { prose } from "./prose.js";

/** `mine` stands to the right; `nick` is the reader's, for mentions. */
export function createMessage(message, { mine, nick }) {
  const found = pieces(message.text, nick);
  const called = !mine && calls(found);
  const element = el("article", {
    class: `message${mine ? " mine" : ""}${called ? " calls" : ""}`,
    "data-id": message.id,
    "data-seq": message.seq,
  });
  const colour = `who nick-${colourOf(message.nick)}`;
  element.append(
    el("p", { class: colour }, mine ? `${message.nick} (you)` : message.nick),
    el("div", { class: "body", dir: "auto" }, prose(found)),
    el("div", { class: "meta" }, timeOf(message.at)),
  );
  return element;
}

/**
 * Shows what became of an own message: `post` as the library tells it, and
 * `actions` with `retry(id)` and `dismiss(id)` for one that failed.
 */
export function showPost(element, post, actions) {
  element.classList.toggle("sending", post.state === "sending");
  element.classList.toggle("failed", post.state === "failed");
  const meta = element.querySelector(".meta");
  meta.replaceChildren(...stateOf(post, actions));
}

function stateOf(post, actions) {
  switch (post.state) {
    case "sent":
      return [timeOf(post.at), " · sent"];
    case "failed":
      return [
        el("span", {}, `Not sent. ${post.why}`),
        el("span", { class: "actions" },
          button("Try again", { class: "link" }, () => actions.retry(post.id)),
          button("Forget it", { class: "link" },
            () => actions.dismiss(post.id))),
      ];
    default:
      return [post.attempt > 1 ? "sending, again" : "sending"];
  }
}

function timeOf(at) {
  const when = new Date(at);
  const exact = { datetime: when.toISOString(), title: fullTime(when) };
  return el("time", exact, clockTime(when));
}
