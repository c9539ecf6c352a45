// Scrolling back: asks for messages older than the oldest here.

import { button } from "./dom.js";

const PAGE = 50;

/**
 * `load(before, limit)` → `{messages, more}`; `place(messages)` puts them
 * above. `note` is the line at the top that says how it stands.
 */
export function createOlder(note, { load, oldest, place }) {
  let busy = false;
  let done = false;

  function say(...words) {
    note.hidden = words.length === 0;
    note.replaceChildren(...words);
  }

  async function more() {
    const first = oldest();
    if (busy || done || !first) return;
    busy = true;
    say("Loading older messages…");
    try {
      const page = await load(first.seq, PAGE);
      place(page.messages);
      done = !page.more;
      say(...(done ? ["This is where the room begins."] : []));
    } catch {
      say("Older messages could not be loaded. ",
        button("Try again", { class: "link" }, () => {
          busy = false;
          more();
        }));
      return; // stays busy: only the button tries again
    }
    busy = false;
  }

  return {
    more,
    /** Messages were let go at the top, so there are older ones again. */
    again() { done = false; },
  };
}
