// Which transport is in use, what comes after it, and when.
//
// At most two are open: `current`, which delivers, and `coming`, which is
// being opened beside it or instead of it. The one that comes says hello,
// takes over, and only then is the old one closed; both started at or before
// the cursor, so nothing falls between them.

import { wait } from "./backoff.js";
import { Negotiator } from "./negotiate.js";
import { duration, transportName } from "./words.js";

/** Milliseconds for a hello: less when the next transport is at hand. */
const HELLO_WITHIN = 8000;
const HELLO_WITHIN_AUTO = 3500;

/** A connection that lasted this long starts the backoff afresh. */
const LASTED = 10_000;

/** What `onState` is given, before anything has happened. */
function firstState(wanted) {
  return {
    state: "connecting",
    transport: null,
    wanted,
    switchingTo: null,
    why: null,
    attempt: 0,
    retryAt: null,
    since: Date.now(),
    server: null,
    role: "alone",
    polling: null,
  };
}

export class Connection {
  #settings;
  #does;
  #wanted;
  #before; // what a switch that fails goes back to
  #negotiator = new Negotiator();
  #current = null;
  #coming = null;
  #timer = null; // the next attempt, or the next try of a better one
  #attempt = 0;
  #turn = 0; // grows with every decision; a late probe knows it is late
  #undecided = []; // resolvers of `switchTo`
  #state;

  /**
   * @param {object} settings `transport`, `backoff`: as given to `connect`
   * @param {object} does
   *   `open(name, within, handlers)` → a `Link`;
   *   `probe(reason)` → resolves if plain HTTP works, rejects with a
   *   `Refusal` or what `fetch` throws; `frame(link, object)`; `up()`,
   *   `down(reason)`; `onState(state)`; `story(words, transport)`
   */
  constructor(settings, does) {
    this.#settings = settings;
    this.#does = does;
    this.#wanted = settings.transport;
    this.#before = settings.transport;
    this.#state = firstState(settings.transport);
  }

  get state() {
    return this.#state;
  }

  /** The link in use, or null. */
  get current() {
    return this.#current;
  }

  start() {
    if (this.#state.state !== "closed") this.#begin(this.#choice());
  }

  /** @returns {Promise<string>} the one in use when it is decided */
  switchTo(name) {
    this.#before = this.#wanted;
    this.#wanted = name;
    this.#attempt = 0;
    this.#negotiator = new Negotiator();
    const decided = new Promise((resolve) => this.#undecided.push(resolve));
    const choice = this.#choice();
    if (this.#current?.name !== choice) this.#begin(choice);
    else {
      this.#clear();
      this.update({ switchingTo: null });
      this.#decide(choice);
    }
    return decided;
  }

  /** The one in use, once more, with what has changed since. */
  reopen() {
    if (this.#current) this.#begin(this.#current.name);
  }

  /** Not every transport can be told; the others are opened again. */
  rename(nick) {
    if (this.#current?.rename(nick)) return;
    if (this.#state.state === "stopped") this.#begin(this.#choice());
    else this.reopen();
  }

  /** Try at once, or if connected see whether that is still true. */
  retryNow() {
    if (this.#state.state === "closed") return;
    if (this.#current) this.#current.check();
    else if (!this.#coming) this.#begin(this.#choice());
  }

  /** The server said that it goes, and when it would be back. */
  leave(link, reason) {
    if (link !== this.#current) return;
    link.close();
    this.#lost(link, reason);
  }

  close() {
    this.#clear();
    this.#current?.close();
    this.#current = null;
    this.update({ state: "closed", why: null, retryAt: null });
    this.#decide(null);
  }

  /** Changes the state and tells. */
  update(change) {
    const moved = change.state && change.state !== this.#state.state;
    this.#state = {
      ...this.#state,
      wanted: this.#wanted,
      attempt: this.#attempt,
      since: moved ? Date.now() : this.#state.since,
      ...change,
    };
    this.#does.onState(this.#state);
  }

  #choice() {
    return this.#wanted === "auto" ? this.#negotiator.choice : this.#wanted;
  }

  /** Whatever was planned or half open is given up. */
  #clear() {
    this.#turn += 1;
    clearTimeout(this.#timer);
    this.#coming?.close();
    this.#coming = null;
  }

  /** Opens `name`, beside the one in use if there is one. A `trial` may
   *  fail without anyone minding. */
  #begin(name, { trial } = {}) {
    this.#clear();
    const auto = this.#wanted === "auto";
    const within = auto ? HELLO_WITHIN_AUTO : HELLO_WITHIN;
    this.#coming = this.#does.open(name, within, {
      opened: (link, hello) => this.#opened(link, hello),
      frame: (link, object) => this.#frame(link, object),
      ended: (link, reason) => this.#ended(link, reason, trial),
    });
    if (this.#current) this.update({ switchingTo: name });
    else this.update({ state: "connecting", transport: name, retryAt: null });
  }

  #opened(link, hello) {
    const { name } = link;
    const auto = this.#wanted === "auto";
    this.#before = this.#wanted;
    this.#current?.close();
    this.#current = link;
    this.#coming = null;
    clearTimeout(this.#timer);
    if (auto) this.#negotiator.forgive(name);
    const why = auto ? this.#negotiator.explain(name) : null;
    const shared = link.role === "follower" ? ", through another tab" : "";
    const story = why ?? `connected by ${transportName(name)}`;
    this.#does.story(story + shared, name);
    this.update({
      state: "open",
      transport: name,
      switchingTo: null,
      why,
      retryAt: null,
      server: hello.server ?? this.#state.server,
      role: link.role,
      polling: name === "short-poll" ? this.#state.polling : null,
    });
    this.#decide(name);
    this.#planBetter();
    this.#does.up();
  }

  #frame(link, object) {
    // A follower that was made the leader is greeted anew.
    if (this.#state.role !== link.role) this.update({ role: link.role });
    this.#does.frame(link, object);
  }

  #ended(link, reason, trial) {
    if (link === this.#current) return this.#lost(link, reason);
    this.#coming = null;
    if (this.#current) return this.#stayed(link, reason, trial);
    return this.#notOpened(link.name, reason);
  }

  /** A transport tried beside the one in use came to nothing. */
  #stayed(link, reason, trial) {
    const { name } = this.#current;
    const words = `${transportName(link.name)}: ${reason.why}`;
    const why = `${words}; staying with ${transportName(name)}`;
    this.#does.story(why, name);
    if (trial) this.#negotiator.noBetter();
    else if (this.#wanted === "auto") {
      this.#negotiator.failed(link.name, reason.why);
      if (this.#choice() !== name) return this.#begin(this.#choice());
    } else this.#wanted = this.#before;
    this.update({ switchingTo: null, why });
    this.#decide(name);
    this.#planBetter();
  }

  /** The one in use is gone. */
  #lost(link, reason) {
    this.#current = null;
    clearTimeout(this.#timer);
    const ms = Date.now() - link.openedAt;
    if (ms >= LASTED) this.#attempt = 0;
    this.#negotiator.lived(link.name, ms);
    this.#does.down(reason);
    const words = `${transportName(link.name)} ended after ${duration(ms)}`;
    this.#does.story(`${words}: ${reason.why}`, link.name);
    const coming = this.#coming?.name;
    if (coming) this.update({ state: "connecting", transport: coming });
    else if (reason.final) this.#stop(reason.why);
    else if (reason.silent) this.#wentSilent(reason);
    else this.#retryLater(reason);
  }

  /** Nothing closed it: the browser's other connections are probably dead as
   *  well, and asking finds that out. */
  async #wentSilent(reason) {
    this.update({ state: "connecting", why: reason.why });
    const { late, trouble } = await this.#probe(reason);
    if (late) return;
    if (trouble) this.#noServer(trouble);
    else this.#retryLater(reason);
  }

  /** It never opened. Whose fault is it: this transport's, or is there no
   *  server at all? Plain HTTP tells. */
  async #notOpened(name, reason) {
    const { late, trouble } = await this.#probe(reason);
    if (late) return;
    if (trouble) return this.#noServer(trouble);
    if (reason.final) return this.#stop(reason.why);
    if (this.#wanted === "auto") {
      this.#negotiator.failed(name, reason.why);
      if (this.#choice() !== name) return this.#next(name, reason);
    }
    const why = `the server answers, but ${transportName(name)} fails`;
    this.#retryLater({ ...reason, why: `${why}: ${reason.why}` });
  }

  /** @returns {Promise<{late, trouble}>} `late`: something else was decided
   *  meanwhile; `trouble`: what plain HTTP failed with, or null */
  async #probe(reason) {
    this.#clear();
    const turn = this.#turn;
    const trouble = await this.#does.probe(reason).then(
      () => null,
      (error) => error,
    );
    return { late: turn !== this.#turn, trouble };
  }

  /** Plain HTTP fails as well. */
  #noServer({ final, status, message, retryAfterMs }) {
    if (final) return this.#stop(message);
    const why = status ? message : "no server answers";
    return this.#retryLater({ why, atLeast: retryAfterMs });
  }

  #next(name, { why }) {
    const next = this.#choice();
    const words = `${transportName(name)}: ${why}`;
    this.#does.story(`${words}; trying ${transportName(next)}`, name);
    this.#begin(next);
  }

  #retryLater({ why, atLeast = 0 }) {
    this.#clear();
    const { backoff } = this.#settings;
    const ms = wait(backoff, this.#attempt, Math.random(), atLeast);
    this.#attempt += 1;
    this.#timer = setTimeout(() => this.#begin(this.#choice()), ms);
    const retryAt = Date.now() + ms;
    this.update({ state: "waiting", why, retryAt, switchingTo: null });
    const words = `${why}; attempt ${this.#attempt} in ${duration(ms)}`;
    this.#does.story(words, this.#state.transport);
  }

  #stop(why) {
    this.#clear();
    this.update({ state: "stopped", why, retryAt: null, switchingTo: null });
    this.#does.story(`stopped: ${why}`, this.#state.transport);
    this.#decide(null);
  }

  #planBetter() {
    if (this.#wanted !== "auto") return;
    const better = this.#negotiator.better(this.#current.name);
    if (!better) return;
    clearTimeout(this.#timer);
    const begin = () => this.#begin(better.name, { trial: true });
    this.#timer = setTimeout(begin, better.ms);
  }

  #decide(name) {
    for (const resolve of this.#undecided) resolve(name);
    this.#undecided = [];
  }
}
