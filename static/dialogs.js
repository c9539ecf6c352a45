// The small windows: opening, closing, and the two that ask for a word.

import { byId } from "./dom.js";

/** Lets every dialog be closed by its buttons and by a click beside it. */
export function wireDialogs() {
  for (const dialog of document.querySelectorAll("dialog")) {
    dialog.addEventListener("click", (event) => {
      const beside = event.target === dialog;
      if (beside || event.target.closest("[data-close]")) dialog.close();
    });
  }
}

/**
 * The dialog `#${name}-dialog` asks for one word. `problem(word)` is what is
 * wrong with it, `done(word)` is called with one that is right. Returns
 * `ask(first)`, which opens it with `first` written in.
 */
export function createQuestion(name, { tidy, problem, done }) {
  const dialog = byId(`${name}-dialog`);
  const field = byId(`${name}-field`);
  const wrong = byId(`${name}-problem`);

  function say(words) {
    wrong.textContent = words;
    field.setAttribute("aria-invalid", String(words !== ""));
  }

  field.addEventListener("input", () => say(""));
  dialog.querySelector("form").addEventListener("submit", (event) => {
    event.preventDefault();
    const word = tidy(field.value);
    say(problem(word));
    if (problem(word) !== "") return field.focus();
    dialog.close();
    return done(word);
  });

  return function ask(first) {
    field.value = first;
    say("");
    if (!dialog.open) dialog.showModal();
    field.select();
  };
}
