// A message's pieces as elements: what `format.js` found, made visible.

import { el } from "./dom.js";

/** Pieces of a text as a fragment of the page. */
export function prose(pieces) {
  const fragment = document.createDocumentFragment();
  fragment.append(...pieces.map(elementOf));
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
