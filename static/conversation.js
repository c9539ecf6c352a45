// One column of messages: list, scrolling, scroll-back, what is unread.
//
// The page has one; beside a twin server it has two.

import { untilMidnight } from "./days.js";
import { byId, el } from "./dom.js";
import { Log } from "./log.js";
import { createOlder } from "./older.js";
import { createScroll } from "./scroll.js";
import { createUnread, jumpWords } from "./unread.js";

/** The elements of the column that index.html has. */
export function pageColumn() {
  return {
    box: byId("scroll"),
    root: byId("log"),
    note: byId("older"),
    empty: byId("empty"),
    jump: byId("jump"),
    words: byId("jump-words"),
  };
}

/** A second one like it, inside `section`. */
export function makeColumn(section) {
  const column = {
    note: el("p", { class: "older", hidden: true }),
    root: el("div", { "class": "log", "role": "log", "aria-live": "off" }),
    empty: el("p", { class: "empty", hidden: true }, "Nothing here yet."),
    words: el("span"),
  };
  column.jump = el("button", { class: "jump", type: "button", hidden: true },
    column.words);
  column.box = el("div", { class: "scroll", tabindex: "0" },
    column.note, column.root, column.empty);
  section.append(column.box, column.jump);
  return column;
}

/**
 * `column` from above; `older(before, limit)` loads; `onUnread(count)` is
 * told; the rest as in `Log`.
 */
export function createConversation(column, options) {
  const { older: load, onUnread, ...forLog } = options;
  const log = new Log(column.root, forLog);
  const unread = createUnread();
  const scroll = createScroll(column.box, column.root, {
    onTop: () => back.more(),
    onFollow: () => look(),
  });
  const back = createOlder(column.note, {
    load,
    oldest: () => log.oldest,
    place: (messages) => scroll.keep(() => log.prepend(messages)),
  });

  const looking = () => !document.hidden && scroll.following;

  function look() {
    if (looking()) unread.looked();
    column.jump.hidden = scroll.following;
    column.jump.classList.toggle("unread", unread.count > 0);
    column.words.textContent = jumpWords(unread.count);
    onUnread?.(unread.count);
  }

  column.jump.addEventListener("click", () => scroll.toEnd());
  document.addEventListener("visibilitychange", look);
  atMidnight(() => log.renameDays(new Date()));

  return {
    /** A message at the end; `how` is the library's word for it. */
    add(message, { how, own }) {
      column.empty.hidden = true;
      if (how !== "history" && !own && unread.arrived(looking())) {
        log.markUnread();
      }
      // What was there before is not read out: only what happens now.
      column.root.setAttribute("aria-busy", String(how === "history"));
      log.add(message, { live: how === "live" });
      if (scroll.following && log.trim()) back.again();
      look();
    },
    post(post) {
      column.empty.hidden = true;
      log.post(post);
      if (post.state !== "sending" || post.attempt > 1) return;
      log.clearUnread();
      scroll.toEnd();
    },
    claim: (id) => log.claim(id),
    away: (words) => log.noteUnread(words),
    gap: () => log.line("Some messages may be missing here", "gap"),
    /** Connected: if nothing has come, the room is empty. */
    ready() {
      column.root.setAttribute("aria-busy", "false");
      column.empty.hidden = column.root.querySelector(".message") !== null;
      if (scroll.short) back.more();
    },
  };
}

function atMidnight(action) {
  setTimeout(() => {
    action();
    atMidnight(action);
  }, untilMidnight(new Date()) + 1000);
}
