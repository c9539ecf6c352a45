// What a hidden tab missed.
//
// Browsers hold back a hidden tab's timers and draw no frames for it. This
// counts the messages that came meanwhile, and those that are caught up in
// the moment after its return.

import { away } from "./words.js";

/** The moment after the return, in milliseconds: time for one poll. */
const MOMENT = 2000;

/** Shorter than this is a glance aside. */
const GLANCE = 1000;

/**
 * @param {Document} page
 * @param {{onReturn: Function, onAway: Function}} handlers `onReturn()` at
 *   once when the tab is seen again; `onAway({ms, count, words})` a moment
 *   later
 */
export function watchVisibility(page, { onReturn, onAway }) {
  let hiddenAt = page.hidden ? Date.now() : null;
  let missed = 0;
  let timer = null;

  function change() {
    if (page.hidden) {
      hiddenAt ??= Date.now();
      clearTimeout(timer);
      return;
    }
    onReturn();
    timer = setTimeout(report, MOMENT, Date.now() - hiddenAt);
  }

  function report(ms) {
    const messages = missed;
    hiddenAt = null;
    missed = 0;
    if (ms < GLANCE) return;
    onAway({ ms, count: messages, words: away(ms, messages) });
  }

  page.addEventListener("visibilitychange", change);

  return {
    /** A message has come. */
    message() {
      if (hiddenAt !== null) missed += 1;
    },
    close() {
      clearTimeout(timer);
      page.removeEventListener("visibilitychange", change);
    },
  };
}
