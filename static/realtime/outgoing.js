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

/**
 * @param {object} box from `createBox`
 * @param {object} does `send(post)`: puts it on the wire, and its end is
 *   told to `acknowledged` or `refused`; `wait(attempt, atLeast)`:
 *   milliseconds; `onPost(post)`
 */
export function createOutgoing(box, { send, wait, onPost }) {
  const left = box.load().slice(0, MOST);
  const posts = [...left];
  const unseen = new Map(); // id → when it first went out, or null
  const promises = new Map(); // id → { resolve, reject }
  let newest = 0; // when the latest was written
  let open = false;
  let flying = null;
  let timer = null;

  function find(id) {
    return posts.find((post) => post.id === id);
  }

  /** Changes a post, keeps it or lets it go, and tells. */
  function update(post, change) {
    Object.assign(post, change);
    const kept = post.state === "sending" || post.state === "failed";
    if (kept) box.save(post);
    else drop(post);
    onPost({ ...post });
  }

  /** Sends the next one, if it is time. */
  function pump() {
    clearTimeout(timer);
    const post = posts.find(({ state }) => state === "sending");
    if (!open || flying || !post) return;
    const early = (post.retryAt ?? 0) - Date.now();
    if (early > 0) {
      timer = setTimeout(pump, early);
      return;
    }
    flying = post;
    if (!unseen.get(post.id)) unseen.set(post.id, Date.now());
    timer = setTimeout(
      () => refused(post.id, { message: "no answer yet" }),
      ANSWERED_WITHIN,
    );
    send({ ...post });
  }

  /** The post is no longer on its way; the next may be. */
  function land(post) {
    if (flying === post) flying = null;
    pump();
  }

  function acknowledged(id, seq) {
    const post = find(id);
    if (!post) return;
    update(post, { state: "sent", seq, why: null, retryAt: null });
    promises.get(id)?.resolve(seq);
    promises.delete(id);
    land(post);
  }

  /** @param {{message, code?, final?, retryAfterMs?}} error */
  function refused(id, error) {
    const post = find(id);
    if (post?.state !== "sending") return;
    if (error.final) fail(post, error);
    else {
      const ms = wait(post.attempt, error.retryAfterMs ?? 0);
      const retryAt = Date.now() + ms;
      const attempt = post.attempt + 1;
      update(post, { attempt, retryAt, why: error.message });
    }
    land(post);
  }

  function fail(post, { code = null, message }) {
    update(post, { state: "failed", why: message, code, retryAt: null });
    const error = Object.assign(new Error(message), { code });
    promises.get(post.id)?.reject(error);
    promises.delete(post.id);
    unseen.delete(post.id);
  }

  function drop(post) {
    posts.splice(posts.indexOf(post), 1);
    box.remove(post.id);
  }

  /** A connection is there: what was on its way goes again. */
  function up() {
    open = true;
    flying = null;
    pump();
  }

  /** It is gone. */
  function down() {
    open = false;
    flying = null;
    clearTimeout(timer);
  }

  /** What is wrong with a text before it is sent, if anything. */
  function objection(text) {
    if (posts.length > MOST) {
      return { code: "too_many_posts", message: `${MOST} posts are waiting` };
    }
    const bytes = textBytes(text);
    if (bytes === 0 || bytes > LONGEST_TEXT) {
      const message = `a message has 1 to ${LONGEST_TEXT} bytes, not ${bytes}`;
      return { code: "bad_text", message };
    }
    return null;
  }

  return {
    acknowledged,
    refused,

    /** Posts not yet sent, or failed. */
    get posts() {
      return posts.map((post) => ({ ...post }));
    },

    /** Tells of what an earlier visit left behind. */
    start() {
      for (const post of left) {
        unseen.set(post.id, null);
        Object.assign(post, { attempt: 0, retryAt: null });
        onPost({ ...post });
      }
    },

    /** Takes a new post. @returns {Promise<number>} its `seq` */
    add(nick, text) {
      const post = {
        id: freshId(),
        nick,
        text: text.trim(),
        // Never twice the same: it is the order after a reload.
        at: (newest = Math.max(newest + 1, Date.now())),
        state: "sending",
        seq: null,
        why: null,
        code: null,
        attempt: 0,
        retryAt: null,
      };
      posts.push(post);
      unseen.set(post.id, null);
      if (unseen.size > UNSEEN_MOST) unseen.delete(unseen.keys().next().value);
      const promise = new Promise((resolve, reject) => {
        promises.set(post.id, { resolve, reject });
      });
      // `onPost` tells as well; a page may listen to that alone.
      promise.catch(() => {});
      const wrong = objection(post.text);
      if (wrong) fail(post, wrong);
      else update(post, {});
      if (posts.length > MOST) drop(post);
      pump();
      return promise;
    },

    up,
    down,

    /** The connection was closed for what it was just given. */
    tooBig() {
      const message = "the server takes no message as big as this";
      if (flying) refused(flying.id, { code: "too_big", message, final: true });
    },

    /**
     * A message has come. If it is one of ours it has arrived, even if its
     * acknowledgement was lost.
     * @returns {null | {ms: number}} ours: time since it first went out
     */
    seen({ id, seq }) {
      if (!unseen.has(id)) return null;
      const sent = unseen.get(id);
      unseen.delete(id);
      acknowledged(id, seq);
      return { ms: sent === null ? null : Date.now() - sent };
    },

    /** A failed one: once more. */
    resend(id) {
      const post = find(id);
      if (post?.state !== "failed") return;
      unseen.set(id, null);
      update(post, { state: "sending", why: null, code: null, attempt: 0 });
      pump();
    },

    /** A failed one: forget it. */
    discard(id) {
      const post = find(id);
      if (post?.state === "failed") update(post, { state: "discarded" });
    },

    /** For good; what is unsent stays in the box. */
    close() {
      down();
      for (const { reject } of promises.values()) {
        reject(new Error("closed; the post is kept for the next visit"));
      }
      promises.clear();
    },
  };
}
