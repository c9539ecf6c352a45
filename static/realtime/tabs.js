// One connection for several tabs.
//
// A browser gives a host six connections over HTTP/1.1; the seventh tab of a
// room would hang. So the tabs of one room, transport and nick choose a
// leader: whoever holds a lock. The leader opens the transport and repeats
// all that comes on a channel; the others follow. When the leader goes, the
// browser hands its lock to a follower, who leads from its own cursor on.
//
// A follower trusts nothing: each repeated message says which one it comes
// after, and where that does not fit, the hole is filled by a plain
// question. Where locks or channels are missing (plain HTTP to another
// machine is such a place), every tab has its own connection.

import { address } from "./address.js";
import { ask } from "./request.js";
import { createAnswers, failure } from "./transports/answers.js";

/** Only what the server says is a sign of life. A follower asks its leader to
 *  ask: a hidden leader's timers are held back, its messages are not. */
const heartbeat = { askAfter: 6000, deadAfter: 18_500 };

/** A leader that does not answer a newcomer for this long is frozen, and is
 *  deposed. So is one that no longer hears the server. Milliseconds. */
const DEPOSED_AFTER = 2000;

/** Milliseconds for the question that fills a hole. */
const WITHIN = 6000;

/** Wraps a transport: same interface, shared where it can be. */
export function shared(transport) {
  const able = globalThis.navigator?.locks && globalThis.BroadcastChannel;
  if (!able) return transport;
  return {
    heartbeat,
    open: (context, handlers) => openShared(transport, context, handlers),
  };
}

function openShared(transport, context, handlers) {
  const { base, room, nick } = context;
  const name = `realtime ${base} ${room} ${context.transport} ${nick}`;
  const channel = new BroadcastChannel(name);
  const leaving = new AbortController();
  let part = null; // leader or follower, once that is known
  let released;
  const held = new Promise((resolve) => (released = resolve));

  function lead(after) {
    if (leaving.signal.aborted) return undefined;
    part?.close();
    const leading = { ...context, after };
    part = createLeader(transport, leading, channel, { ...handlers, end });
    return held;
  }

  function follow() {
    if (leaving.signal.aborted) return;
    part = new Follower(transport, context, channel, {
      ...handlers,
      end,
      depose: () => request({ steal: true }, () => lead(part.at)),
    });
    const { signal } = leaving;
    request({ signal }, () => lead(part.at));
  }

  function request(options, granted) {
    navigator.locks.request(name, options, granted).catch((error) => {
      // Ours to be aborted, unless it was another tab that took the lock.
      if (leaving.signal.aborted || part?.role !== "leader") return;
      end({ why: `another tab took over: ${error.message}` });
    });
  }

  request({ ifAvailable: true }, (lock) =>
    lock ? lead(context.after) : follow(),
  );

  function end(reason) {
    close();
    handlers.end(reason);
  }

  function close() {
    leaving.abort();
    part?.close();
    channel.close();
    released();
  }

  return {
    get role() {
      return part?.role ?? "alone";
    },
    ask: () => part?.ask(),
    post: (post) => part?.post(post) ?? false,
    typing: () => part?.typing() ?? false,
    close,
  };
}

/** Holds the connection and repeats what comes. */
function createLeader(transport, context, channel, handlers) {
  let open = false;
  let at = context.after; // the message repeated last
  let presence = null; // the last one
  let heardAt = Date.now();

  const handle = transport.open(context, {
    frame(object) {
      heardAt = Date.now();
      if (object.type === "hello") open = true;
      channel.postMessage({ object, comesAfter: at });
      if (object.type === "message") at = object.seq;
      if (object.type === "presence") presence = object;
      handlers.frame(object);
    },
    end(reason) {
      channel.postMessage({ end: reason });
      handlers.end(reason);
    },
  });

  channel.onmessage = ({ data }) => {
    if (data.who) {
      // A newcomer has not heard who is in the room.
      const object = data.who === "a newcomer" ? presence : null;
      channel.postMessage({ here: true, open, heardAt, object });
      handle.ask?.();
    }
    if (data.post) handle.post?.(data.post);
    if (data.typing) handle.typing?.();
  };

  return {
    role: "leader",
    ask: () => handle.ask?.(),
    post: (post) => handle.post?.(post) ?? false,
    typing: () => handle.typing?.() ?? false,
    close() {
      channel.onmessage = null;
      handle.close();
    },
  };
}

/** Hears the leader, and fills the holes. */
class Follower {
  role = "follower";
  #transport;
  #context;
  #channel;
  #handlers;
  #answers;
  #abort = new AbortController();
  #silence; // the leader's, on being asked
  #filled = false;
  #filling = false;
  #later = []; // what is repeated while a hole is filled

  constructor(transport, context, channel, handlers) {
    this.#transport = transport;
    this.#context = context;
    this.#channel = channel;
    this.#handlers = handlers;
    this.#answers = createAnswers(context, handlers);
    this.#silence = setTimeout(handlers.depose, DEPOSED_AFTER);
    channel.onmessage = ({ data }) => this.#heard(data);
    channel.postMessage({ who: "a newcomer" });
  }

  /** The cursor to lead from. */
  get at() {
    return this.#answers.after;
  }

  ask() {
    this.#channel.postMessage({ who: "a follower" });
  }

  post(post) {
    return this.#pass({ post });
  }

  typing() {
    return this.#pass({ typing: true });
  }

  close() {
    this.#abort.abort();
    clearTimeout(this.#silence);
    this.#channel.onmessage = null;
  }

  /** Gives the leader something to send, if its transport can. */
  #pass(what) {
    if (!this.#transport.posts) return false;
    this.#channel.postMessage(what);
    return true;
  }

  #heard(data) {
    if (data.who || data.post || data.typing) return;
    clearTimeout(this.#silence);
    if (data.end) return this.#handlers.end(data.end);
    if (data.here && !data.open) return;
    const deaf = Date.now() - data.heardAt > heartbeat.deadAfter;
    if (deaf) return this.#handlers.depose();
    if (!this.#filled) this.#fill();
    if (data.object) this.#repeated(data);
  }

  /** Something the leader has heard. */
  #repeated({ object, comesAfter }) {
    if (this.#filling) return this.#later.push({ object, comesAfter });
    if (object.type === "hello") return;
    if (object.type !== "message") return this.#handlers.frame(object);
    const { after } = this.#answers;
    if (object.seq <= after) return;
    if (!(comesAfter <= after)) return this.#fill();
    this.#answers.reached(object.seq);
    this.#handlers.frame(object);
  }

  /** Asks for what came after the last message known here. */
  async #fill() {
    if (this.#filling) return;
    this.#filling = true;
    const { signal } = this.#abort;
    try {
      let more = true;
      while (more) {
        const { after } = this.#answers;
        const url = address(this.#context, "messages", { after });
        const question = { url, within: WITHIN, signal };
        const answer = await ask(this.#context, question);
        if (signal.aborted) return;
        more = this.#answers.take(answer);
      }
    } catch (error) {
      if (!signal.aborted) this.#handlers.end(failure(error));
      return;
    }
    this.#filled = true;
    this.#filling = false;
    this.#later.splice(0).forEach((data) => this.#repeated(data));
  }
}
