// How the page looks: light or dark, and how big.

import { byId } from "./dom.js";

/** Each choice is kept, and set on the root element for style.css. */
export function createSettings(prefs) {
  for (const name of ["theme", "size"]) {
    const choice = byId(name);
    choice.value = prefs.read(name);
    apply(name, choice.value);
    choice.addEventListener("change", () => {
      prefs.write(name, choice.value);
      apply(name, choice.value);
    });
  }
  const dialog = byId("settings-dialog");
  byId("settings-open").addEventListener("click", () => dialog.showModal());
}

function apply(name, value) {
  const { dataset } = document.documentElement;
  if (value === "") delete dataset[name];
  else dataset[name] = value;
}
