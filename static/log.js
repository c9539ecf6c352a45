// The list of messages: in order, each once, under their days.
//
// Below the list stand one's own posts that the room has not shown yet. A
// post moves up into the list when it comes back as a message.

import { continuesRun, dayName, sameDay } from "./days.js";
import { el } from "./dom.js";
import { createMessage, showPost } from "./message.js";

/** Messages kept on the page; beyond it the oldest go, and can come back. */
const MOST = 1500;

/**
 * `root` is the element with role="log"; `isMine(id)` tells one's own posts,
 * `nick()` who is reading, `actions` are for a failed post.
 */
export function createLog(root, { isMine, nick, actions }) {
  const list = el("div", { class: "list" });
  const waiting = el("div", { class: "waiting" });
  const entries = [];
  const byId = new Map();
  const posts = new Map();
  let marker = null;
  root.append(list, waiting);

  function make(message, above) {
    const mine = isMine(message.id);
    const element = createMessage(message, { mine, nick: nick() });
    const entry = { message, mine, element, day: null };
    byId.set(message.id, entry);
    const post = posts.get(message.id);
    if (post?.state === "sent") showPost(element, { ...post, at: message.at });
    settle(entry, above);
    return entry;
  }

  /** Puts the entry under its day, and under its writer's name if needed. */
  function settle(entry, above) {
    const at = new Date(entry.message.at);
    const opens = !above || !sameDay(new Date(above.message.at), at);
    if (opens && !entry.day) entry.day = divider(dayName(at, new Date()));
    if (!opens) {
      entry.day?.remove();
      entry.day = null;
    }
    const runs = !opens && above.mine === entry.mine
      && continuesRun(above.message, entry.message);
    entry.element.classList.toggle("first", !runs);
  }

  function dropPost(id) {
    posts.get(id)?.element?.remove();
    posts.delete(id);
  }

  function showWaiting(post, known) {
    const element = known?.element
      ?? createMessage(post, { mine: true, nick: nick() });
    showPost(element, post, actions);
    if (!known?.element) {
      const above = entries.at(-1);
      const runs = waiting.childElementCount > 0
        || (above?.mine && continuesRun(above.message, post));
      element.classList.toggle("first", !runs);
      waiting.append(element);
    }
    posts.set(post.id, { ...post, element });
  }

  return {
    /** The oldest and the newest message here, or undefined. */
    get oldest() { return entries[0]?.message; },
    get newest() { return entries.at(-1)?.message; },

    /** A message at the end. Only live ones come in with a movement. */
    add(message, { live }) {
      if (byId.has(message.id)) return;
      posts.get(message.id)?.element?.remove();
      const entry = make(message, entries.at(-1));
      entry.element.classList.toggle("fresh", live);
      if (entry.day) list.append(entry.day);
      list.append(entry.element);
      entries.push(entry);
    },

    /** Older messages, ascending, above all that are here. */
    prepend(messages) {
      const fresh = messages.filter((message) => !byId.has(message.id));
      const made = [];
      for (const message of fresh) made.push(make(message, made.at(-1)));
      const first = entries[0];
      list.prepend(...made.flatMap((entry) => nodesOf(entry)));
      entries.unshift(...made);
      if (first && made.length > 0) settle(first, made.at(-1));
    },

    /** An own post, as the library tells of it. */
    post(post) {
      const shown = byId.get(post.id);
      if (post.state === "discarded") return dropPost(post.id);
      if (!shown) return showWaiting(post, posts.get(post.id));
      posts.set(post.id, post);
      if (post.state === "sent") {
        showPost(shown.element, { ...post, at: shown.message.at }, actions);
      }
      return undefined;
    },

    /** A message here turns out to be one's own, from another tab. */
    claim(id) {
      const at = entries.findIndex((entry) => entry.message.id === id);
      if (at < 0 || entries[at].mine) return;
      const entry = entries[at];
      const element = createMessage(entry.message,
        { mine: true, nick: nick() });
      entry.element.replaceWith(element);
      Object.assign(entry, { mine: true, element });
      settle(entry, entries[at - 1]);
      if (entries[at + 1]) settle(entries[at + 1], entry);
    },

    /** A line across, at the end: a `gap`, say. */
    line(words, kind) {
      list.append(divider(words, kind));
    },

    /** A line above what comes next: from here on it is new. */
    markUnread() {
      marker?.remove();
      marker = divider("New", "unread");
      list.append(marker);
    },

    clearUnread() {
      marker?.remove();
      marker = null;
    },

    /** Lets the oldest go where there are too many; true if any went. */
    trim() {
      if (entries.length <= MOST) return false;
      for (const entry of entries.splice(0, entries.length - MOST)) {
        byId.delete(entry.message.id);
        entry.element.remove();
        entry.day?.remove();
      }
      settleFirst();
      return true;
    },

    /** At midnight `Today` becomes `Yesterday`. */
    renameDays(now) {
      for (const { day, message } of entries) {
        if (day) day.textContent = dayName(new Date(message.at), now);
      }
    },
  };

  function settleFirst() {
    settle(entries[0], undefined);
    const { day, element } = entries[0];
    if (day) element.before(day);
  }
}

function nodesOf({ day, element }) {
  return day ? [day, element] : [element];
}

function divider(words, kind = "day") {
  return el("p", { class: `divider ${kind}` }, words);
}
