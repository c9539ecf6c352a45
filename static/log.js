// The list of messages: in order, each once, under their days.
//
// Below the list stand one's own posts that the room has not shown yet. A
// post moves up into the list when it comes back as a message.

import { continuesRun, dayName, sameDay } from "./days.js";
import { el } from "./dom.js";
import { createMessage, showPost } from "./message.js";

/** Messages kept on the page; beyond it the oldest go, and can come back. */
const MOST = 1500;

/** An entry of the list is `{message, mine, element, day}`: `day` is the
 *  line above it where it opens one, or null. */
export class Log {
  #list = el("div");
  #waiting = el("div");
  #entries = [];
  #byId = new Map();
  #posts = new Map();
  #marker = null;
  #options;

  /**
   * `root` is the element with role="log"; of the options, `isMine(id)` tells
   * one's own posts, `nick()` who is reading, `actions` are for a failed post.
   */
  constructor(root, options) {
    this.#options = options;
    root.append(this.#list, this.#waiting);
  }

  /** The oldest message here, or undefined. */
  get oldest() {
    return this.#entries[0]?.message;
  }

  /** A message at the end. Only live ones come in with a movement. */
  add(message, { live }) {
    if (this.#byId.has(message.id)) return;
    this.#posts.get(message.id)?.element?.remove();
    const entry = this.#make(message);
    settle(entry, this.#entries.at(-1));
    entry.element.classList.toggle("fresh", live);
    this.#list.append(...nodesOf(entry));
    this.#entries.push(entry);
  }

  /** Older messages, ascending, above all that are here. */
  prepend(messages) {
    const made = messages.filter(({ id }) => !this.#byId.has(id))
      .map((message) => this.#make(message));
    made.forEach((entry, at) => settle(entry, made[at - 1]));
    const first = this.#entries[0];
    if (first && made.length > 0) settle(first, made.at(-1));
    this.#list.prepend(...made.flatMap(nodesOf));
    this.#entries.unshift(...made);
  }

  /** An own post, as the library tells of it. */
  post(post) {
    const { actions } = this.#options;
    const shown = this.#byId.get(post.id);
    const known = this.#posts.get(post.id);
    if (post.state === "discarded") {
      known?.element?.remove();
      this.#posts.delete(post.id);
      return;
    }
    const element = known?.element ?? (shown ? undefined : this.#wait(post));
    this.#posts.set(post.id, { ...post, element });
    if (!shown) showPost(element, post, actions);
    else if (post.state === "sent") {
      showPost(shown.element, { ...post, at: shown.message.at }, actions);
    }
  }

  /** A message here turns out to be one's own, from another tab. */
  claim(id) {
    const at = this.#entries.findIndex(({ message }) => message.id === id);
    const entry = this.#entries[at];
    if (!entry || entry.mine) return;
    const { element, mine } = this.#make(entry.message);
    entry.element.replaceWith(element);
    Object.assign(entry, { element, mine });
    this.#byId.set(id, entry);
    settle(entry, this.#entries[at - 1]);
    const below = this.#entries[at + 1];
    if (below) settle(below, entry);
  }

  /** A line across, at the end: a `gap`, say. */
  line(words, kind) {
    this.#list.append(divider(words, kind));
  }

  /** A line above what comes next: from here on it is new. */
  markUnread() {
    this.clearUnread();
    this.#marker = divider("New", "unread");
    this.#list.append(this.#marker);
  }

  /** Says on that line what a hidden tab missed. */
  noteUnread(words) {
    if (this.#marker) this.#marker.textContent = `New: ${words}`;
  }

  clearUnread() {
    this.#marker?.remove();
    this.#marker = null;
  }

  /** Lets the oldest go where there are too many; true if any went. */
  trim() {
    const over = this.#entries.length - MOST;
    if (over <= 0) return false;
    for (const entry of this.#entries.splice(0, over)) {
      this.#byId.delete(entry.message.id);
      this.#posts.delete(entry.message.id);
      nodesOf(entry).forEach((node) => node.remove());
    }
    const [first] = this.#entries;
    settle(first, undefined);
    first.element.before(first.day);
    return true;
  }

  /** At midnight `Today` becomes `Yesterday`. */
  renameDays(now) {
    for (const { day, message } of this.#entries) {
      if (day) day.textContent = dayName(new Date(message.at), now);
    }
  }

  #make(message) {
    const { isMine, nick, actions } = this.#options;
    const mine = isMine(message.id);
    const element = createMessage(message, { mine, nick: nick() });
    const post = this.#posts.get(message.id);
    if (post?.state === "sent") {
      showPost(element, { ...post, at: message.at }, actions);
    }
    const entry = { message, mine, element, day: null };
    this.#byId.set(message.id, entry);
    return entry;
  }

  /** A post's place below the list, until it comes back as a message. */
  #wait(post) {
    const element = createMessage(post,
      { mine: true, nick: this.#options.nick() });
    const above = this.#entries.at(-1);
    const runs = this.#waiting.childElementCount > 0
      || (above?.mine && continuesRun(above.message, post));
    element.classList.toggle("first", !runs);
    this.#waiting.append(element);
    return element;
  }
}

/** Puts an entry under its day, and under its writer's name if needed. */
function settle(entry, above) {
  const at = new Date(entry.message.at);
  const opens = !above || !sameDay(new Date(above.message.at), at);
  if (opens) entry.day ??= divider(dayName(at, new Date()));
  else {
    entry.day?.remove();
    entry.day = null;
  }
  const runs = !opens && above.mine === entry.mine
    && continuesRun(above.message, entry.message);
  entry.element.classList.toggle("first", !runs);
}

function nodesOf({ day, element }) {
  return day ? [day, element] : [element];
}

function divider(words, kind = "day") {
  return el("p", { class: `divider ${kind}` }, words);
}
