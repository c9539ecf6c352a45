// Posts on their way: kept until the server has said what became of them.
//
// A post gets its id here, once, and is sent with it again and again until
// it is acknowledged or refused: the server shows an id only once, so
// sending too often does no harm. One at a time, so that they arrive in the
// order they were written. Kept in `localStorage`, so that a reload or a
// night offline loses nothing. When the box is full, new posts are refused.

import { textBytes } from "./sizes.js";

/** Posts kept, sent ones not counted. */
const MOST = 256;

/** The protocol's bound on a text, in bytes. */
const LONGEST_TEXT = 4096;

/** Milliseconds until a post without an answer is sent again. */
const ANSWERED_WITHIN = 10_000;

/** Own posts whose message has not come back yet. */
const UNSEEN_MOST = 1024;

/** 96 random bits as hex. Not `crypto.randomUUID`, which browsers keep from
 *  pages served over plain HTTP by another machine. */
function freshId() {
  const bytes = crypto.getRandomValues(new Uint8Array(12));
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** The posts of one room in a `Storage`, each under a key of its own: tabs
 *  that write at once do not undo each other's work. */
export function createBox(storage, prefix) {
  /** A full or forbidden storage costs safety over reloads, nothing else. */
  function attempt(work) {
    try {
      return storage ? work() : undefined;
    } catch {
      return undefined;
    }
  }

  return {
    save: (post) =>
      attempt(() => storage.setItem(prefix + post.id, JSON.stringify(post))),
    remove: (id) => attempt(() => storage.removeItem(prefix + id)),
    load() {
      const keys = attempt(() => Object.keys(storage)) ?? [];
      return keys
        .filter((key) => key.startsWith(prefix))
        .map((key) => attempt(() => JSON.parse(storage.getItem(key))))
        .filter((post) => post?.id)
        .sort((a, b) => a.at - b.at);
    },
  };
}

/** A post as it begins. */
function freshPost(nick, text, at) {
  return {
    id: freshId(),
    nick,
    text: text.trim(),
    at,
    state: "sending",
    seq: null,
    why: null,
    code: null,
    attempt: 0,
    retryAt: null,
  };
}

export class Outgoing {
  #box;
  #does;
  #left; // what an earlier visit left behind
  #posts;
  #unseen = new Map(); // id → when it first went out, or null
  #promises = new Map(); // id → { resolve, reject }
  #newest = 0; // when the latest was written
  #open = false;
  #flying = null;
  #timer = null;

  /**
   * @param {object} box from `createBox`
   * @param {object} does `send(post)`: puts it on the wire, and its end is
   *   told to `acknowledged` or `refused`; `wait(attempt, atLeast)`:
   *   milliseconds; `onPost(post)`
   */
  constructor(box, does) {
    this.#box = box;
    this.#does = does;
    this.#left = box.load().slice(0, MOST);
    this.#posts = [...this.#left];
  }

  /** Posts not yet sent, or failed; copies. */
  get posts() {
    return this.#posts.map((post) => ({ ...post }));
  }

  /** Tells of what an earlier visit left behind. */
  start() {
    for (const post of this.#left) {
      this.#unseen.set(post.id, null);
      this.#update(post, { attempt: 0, retryAt: null });
    }
  }

  /** Takes a new post. @returns {Promise<number>} its `seq` */
  add(nick, text) {
    // Never twice the same time: it is the order after a reload.
    this.#newest = Math.max(this.#newest + 1, Date.now());
    const post = freshPost(nick, text, this.#newest);
    this.#posts.push(post);
    const promise = new Promise((resolve, reject) => {
      this.#promises.set(post.id, { resolve, reject });
    });
    // `onPost` tells as well; a page may listen to that alone.
    promise.catch(() => {});
    const wrong = this.#objection(post.text);
    if (wrong) this.#fail(post, wrong);
    else {
      this.#remember(post.id);
      this.#update(post, {});
    }
    if (this.#posts.length > MOST) this.#drop(post);
    this.#pump();
    return promise;
  }

  /** A connection is there: what was on its way goes again. */
  up() {
    this.#open = true;
    this.#flying = null;
    this.#pump();
  }

  /** It is gone. */
  down() {
    this.#open = false;
    this.#flying = null;
    clearTimeout(this.#timer);
  }

  /** The server has it. */
  acknowledged(id, seq) {
    const post = this.#find(id);
    if (!post) return;
    this.#update(post, { state: "sent", seq, why: null, retryAt: null });
    this.#promises.get(id)?.resolve(seq);
    this.#promises.delete(id);
    this.#land(post);
  }

  /**
   * The server does not take it, or nobody answered.
   * @param {{message, code?, final?, retryAfterMs?}} error `final`: the same
   *   post would be refused again
   */
  refused(id, error) {
    const post = this.#find(id);
    if (post?.state !== "sending") return;
    if (error.final) this.#fail(post, error);
    else {
      const ms = this.#does.wait(post.attempt, error.retryAfterMs ?? 0);
      const retryAt = Date.now() + ms;
      const attempt = post.attempt + 1;
      this.#update(post, { attempt, retryAt, why: error.message });
    }
    this.#land(post);
  }

  /** The connection was closed for what it was just given. */
  tooBig() {
    const message = "the server takes no message as big as this";
    const error = { code: "too_big", message, final: true };
    if (this.#flying) this.refused(this.#flying.id, error);
  }

  /**
   * A message has come. If it is one of ours it has arrived, even if its
   * acknowledgement was lost.
   * @returns {null | {ms: number | null}} ours: time since it first went
   *   out, if it did so here
   */
  seen({ id, seq }) {
    if (!this.#unseen.has(id)) return null;
    const sent = this.#unseen.get(id);
    this.#unseen.delete(id);
    this.acknowledged(id, seq);
    return { ms: sent === null ? null : Date.now() - sent };
  }

  /** A failed one: once more. */
  resend(id) {
    const post = this.#find(id);
    if (post?.state !== "failed") return;
    this.#remember(id);
    this.#update(post, { state: "sending", why: null, code: null, attempt: 0 });
    this.#pump();
  }

  /** A failed one: forget it. */
  discard(id) {
    const post = this.#find(id);
    if (post?.state === "failed") this.#update(post, { state: "discarded" });
  }

  /** For good; what is unsent stays in the box. */
  close() {
    this.down();
    for (const { reject } of this.#promises.values()) {
      reject(new Error("closed; the post is kept for the next visit"));
    }
    this.#promises.clear();
  }

  #find(id) {
    return this.#posts.find((post) => post.id === id);
  }

  #remember(id) {
    this.#unseen.set(id, null);
    if (this.#unseen.size <= UNSEEN_MOST) return;
    const [oldest] = this.#unseen.keys();
    this.#unseen.delete(oldest);
  }

  /** Changes a post, keeps it or lets it go, and tells. */
  #update(post, change) {
    Object.assign(post, change);
    const kept = post.state === "sending" || post.state === "failed";
    if (kept) this.#box.save(post);
    else this.#drop(post);
    this.#does.onPost({ ...post });
  }

  #drop(post) {
    this.#posts.splice(this.#posts.indexOf(post), 1);
    this.#box.remove(post.id);
  }

  /** Sends the next one, if it is time. */
  #pump() {
    if (this.#flying) return;
    clearTimeout(this.#timer);
    const post = this.#posts.find(({ state }) => state === "sending");
    if (!this.#open || !post) return;
    const early = (post.retryAt ?? 0) - Date.now();
    if (early > 0) {
      this.#timer = setTimeout(() => this.#pump(), early);
      return;
    }
    this.#flying = post;
    if (!this.#unseen.get(post.id)) this.#unseen.set(post.id, Date.now());
    const late = () => this.refused(post.id, { message: "no answer yet" });
    this.#timer = setTimeout(late, ANSWERED_WITHIN);
    this.#does.send({ ...post });
  }

  /** The post is no longer on its way; the next may be. */
  #land(post) {
    if (this.#flying === post) this.#flying = null;
    this.#pump();
  }

  #fail(post, { code = null, message }) {
    this.#update(post, { state: "failed", why: message, code, retryAt: null });
    const error = Object.assign(new Error(message), { code });
    this.#promises.get(post.id)?.reject(error);
    this.#promises.delete(post.id);
    this.#unseen.delete(post.id);
  }

  /** What is wrong with a text before it is sent, if anything. */
  #objection(text) {
    if (this.#posts.length > MOST) {
      return { code: "too_many_posts", message: `${MOST} posts are waiting` };
    }
    const bytes = textBytes(text);
    if (bytes > 0 && bytes <= LONGEST_TEXT) return null;
    const message = `a message has 1 to ${LONGEST_TEXT} bytes, not ${bytes}`;
    return { code: "bad_text", message };
  }
}
