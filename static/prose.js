// A message's pieces as elements: what `format.js` found, made visible.

import { el } from "./dom.js";
import { pieces } from "./format.js";

/** The text of a message as a fragment; `nick` is whose mention shines. */
export function prose(text, nick) {
  const fragment = document.createDocumentFragment();
  fragment.append(...pieces(text, nick).map(elementOf));
  return fragment;
}

function elementOf(piece) {
  switch (piece.kind) {
    case "link":
      return el("a", {
        href: piece.text,
        target: "_blank",
        rel: "noopener noreferrer nofollow",
      }, piece.text);
    case "code":
      return el("code", {}, piece.text);
    case "block":
      return el("pre", {}, piece.text);
    case "emphasis":
      return el("em", {}, ...piece.parts.map(elementOf));
    case "mention":
      return el("span", { class: piece.me ? "mention me" : "mention" },
        piece.text);
    default:
      return document.createTextNode(piece.text);
  }
}
