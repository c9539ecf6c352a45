// One opened transport: from the first try to its end, with the deadlines
// that every transport needs and none should have to repeat.

import { createHeartbeat, LOOK_EVERY } from "./heartbeat.js";
import { duration } from "./words.js";

export class Link {
  /** The transport's name. */
  name;
  /** The cursor it was opened with. */
  after;
  /** When it said hello; null before. */
  openedAt = null;

  #handlers;
  #heart = null;
  #handle = null;
  #deadline;
  #looking;
  #over = false;

  /**
   * @param {{open: Function, heartbeat?: object}} transport
   * @param {object} context what the transport is given; `transport` its
   *   name
   * @param {number} within milliseconds for its hello
   * @param {{opened, frame, ended}} handlers each is given the link first;
   *   `opened` with the hello, `frame` with any object (the hello too),
   *   `ended` with the reason, once and never after `close()`
   */
  constructor(transport, context, within, handlers) {
    const { heartbeat } = transport;
    this.name = context.transport;
    this.after = context.after;
    this.#handlers = handlers;
    if (heartbeat) this.#heart = createHeartbeat(heartbeat, Date.now());
    const why = `nothing was heard for ${duration(within)}`;
    this.#deadline = setTimeout(() => this.#end({ why }), within);
    this.#looking = setInterval(() => this.#look(), LOOK_EVERY);
    this.#handle = transport.open(context, {
      frame: (object) => this.#frame(object),
      end: (reason) => this.#end(reason),
    });
  }

  /** `"alone"`, or its part among the tabs: `"leader"`, `"follower"`. */
  get role() {
    return this.#handle?.role ?? "alone";
  }

  /** @returns {boolean} whether it takes posts and took this one */
  post(post) {
    return this.#handle.post?.(post) ?? false;
  }

  /** @returns {boolean} whether it could say so */
  typing() {
    return this.#handle.typing?.() ?? false;
  }

  /** @returns {boolean} false: it must be opened again to be renamed */
  rename(nick) {
    return this.#handle.rename?.(nick) ?? false;
  }

  /** Is it still there? The answer is `ended`, or nothing. */
  check() {
    this.#look();
    if (!this.#over) this.#handle.ask?.();
  }

  close() {
    this.#over = true;
    clearTimeout(this.#deadline);
    clearInterval(this.#looking);
    this.#handle?.close();
  }

  #frame(object) {
    if (this.#over) return;
    this.#heart?.heard(Date.now());
    if (object.type === "hello" && this.openedAt === null) {
      clearTimeout(this.#deadline);
      this.openedAt = Date.now();
      this.#handlers.opened(this, object);
    }
    this.#handlers.frame(this, object);
  }

  #look() {
    if (this.#over || !this.#heart || this.openedAt === null) return;
    const verdict = this.#heart.look(Date.now());
    if (verdict === "ask") this.#handle.ask?.();
    if (verdict === "dead") {
      this.#end({ why: "it has gone silent", silent: true });
    }
  }

  #end(reason) {
    if (this.#over) return;
    this.close();
    this.#handlers.ended(this, reason);
  }
}
