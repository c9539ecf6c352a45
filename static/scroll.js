// Where the reader is: at the end and following it, or reading back.
//
// Whoever follows stays at the end as messages come, as the window changes
// size. Whoever reads back keeps the very line they read.

import { oncePerFrame } from "./dom.js";

/** Nearer to the end than this counts as at the end, in CSS pixels. */
const NEAR_END = 60;

/** Nearer to the top than this, older messages are worth fetching. */
const NEAR_TOP = 240;

/** `box` scrolls `content`; `onTop` and `onFollow(following)` are told. */
export function createScroll(box, content, { onTop, onFollow }) {
  let following = true;
  let top = 0;

  const pin = oncePerFrame(() => {
    if (following) box.scrollTop = box.scrollHeight;
  });

  function look() {
    const left = box.scrollHeight - box.clientHeight - box.scrollTop;
    // Messages may come between a scroll and its event, and then the end is
    // far though nobody moved: only going up is leaving.
    const stayed = following && box.scrollTop >= top;
    const now = stayed || left < NEAR_END;
    top = box.scrollTop;
    if (now !== following) {
      following = now;
      onFollow(following);
    }
    if (box.scrollTop < NEAR_TOP) onTop();
  }

  box.addEventListener("scroll", look, { passive: true });
  const sizes = new ResizeObserver(pin);
  sizes.observe(box);
  sizes.observe(content);

  return {
    get following() { return following; },

    /** To the newest message, from now on following. */
    toEnd() {
      following = true;
      onFollow(true);
      pin();
    },

    /** Runs `change`, which grows the top, and keeps what is in view. */
    keep(change) {
      const fromEnd = box.scrollHeight - box.scrollTop;
      change();
      box.scrollTop = box.scrollHeight - fromEnd;
    },

    /** Whether there is nothing to scroll, so that more should be shown. */
    get short() { return box.scrollHeight <= box.clientHeight; },
  };
}
