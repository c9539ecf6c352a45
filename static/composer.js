// Writing: the text field, its draft, and sending.

import { byId } from "./dom.js";

/** The protocol's limit for a text, in bytes of UTF-8. */
const MOST_BYTES = 4096;

const NOTE_BYTES = 3600;

/**
 * `send(text)` is false if it cannot be sent yet: then the text stays.
 * `typing()` is called while somebody writes. A draft is kept per room.
 */
export function createComposer(prefs, room, { send, typing }) {
  const form = byId("composer");
  const field = byId("text");
  const note = byId("text-note");
  const help = [...note.childNodes];
  const key = `draft.${room}`;
  field.value = prefs.read(key);

  function grow() {
    if (CSS.supports("field-sizing", "content")) return;
    field.style.setProperty("height", "auto");
    field.style.setProperty("height", `${field.scrollHeight}px`);
  }

  function weigh() {
    const size = byteLength(field.value.trim());
    const over = size > MOST_BYTES;
    note.classList.toggle("problem", over);
    if (size > NOTE_BYTES) note.textContent = `${size} of ${MOST_BYTES} bytes`;
    else note.replaceChildren(...help);
    return !over;
  }

  function submit() {
    const text = field.value.trim();
    if (text === "" || !weigh() || send(text) === false) return;
    field.value = "";
    prefs.write(key, "");
    weigh();
    grow();
  }

  field.addEventListener("input", () => {
    prefs.write(key, field.value);
    weigh();
    grow();
    if (field.value.trim() !== "") typing();
  });
  field.addEventListener("keydown", (event) => {
    // While an input method is composing, Enter chooses a word.
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    submit();
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    submit();
    field.focus();
  });

  grow();
  return { submit, focus: () => field.focus() };
}

function byteLength(text) {
  return new TextEncoder().encode(text).length;
}
