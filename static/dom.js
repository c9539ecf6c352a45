// Making elements. The only doors for text are text nodes: nothing here, or
// anywhere on this page, reads a string as HTML.

const SVG = "http://www.w3.org/2000/svg";

/** The element with this id; the page is broken without it. */
export function byId(id) {
  const found = document.getElementById(id);
  if (!found) throw new Error(`index.html has no #${id}`);
  return found;
}

/** An element with attributes and children: strings become text nodes. */
export function el(tag, attributes = {}, ...children) {
  return filled(document.createElement(tag), attributes, children);
}

/** The same for SVG. */
export function svg(tag, attributes = {}, ...children) {
  return filled(document.createElementNS(SVG, tag), attributes, children);
}

/** A button that does `action`. */
export function button(words, attributes, action) {
  const made = el("button", { type: "button", ...attributes }, words);
  made.addEventListener("click", action);
  return made;
}

/** Calls `draw` once before the next picture, however often it is asked. */
export function oncePerFrame(draw) {
  let asked = false;
  return () => {
    if (asked) return;
    asked = true;
    requestAnimationFrame(() => {
      asked = false;
      draw();
    });
  };
}

function filled(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === false || value === undefined) continue;
    element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children);
  return element;
}
