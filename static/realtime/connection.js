// Which transport is in use, what comes after it, and when.
//
// At most two are open: `current`, which delivers, and `coming`, which is
// being opened beside it or instead of it. The one that comes says hello,
// takes over, and only then is the old one closed; both started at or before
// the cursor, so nothing falls between them.

import { wait } from "./backoff.js";
import { openLink } from "./link.js";
import { createNegotiator } from "./negotiate.js";
import { duration, transportName } from "./words.js";

/** Milliseconds for a hello: less when the next transport is at hand. */
const HELLO_WITHIN = 8000;
const HELLO_WITHIN_AUTO = 3500;

/** A connection that lasted this long starts the backoff afresh. */
const LASTED = 10_000;

/**
 * @param {object} settings `transport`, `backoff`: as given to `connect`
 * @param {object} does
 *   `open(name, handlers, within)` → a link;
 *   `probe(reason)` → resolves if plain HTTP works, rejects with a `Refusal`
 *   or what `fetch` throws; `frame(link, object)`; `up(link)`, `down(reason)`;
 *   `onState(state)`; `story(words, transport)`
 */
export function createConnection(settings, does) {
  let wanted = settings.transport;
  let before = wanted; // what a switch that fails goes back to
  let negotiator = createNegotiator();
  let current = null;
  let coming = null;
  let timer = null; // the next attempt, or the next try of a better one
  let attempt = 0;
  let turn = 0; // grows with every decision; a late probe knows it is late
  let waiting = []; // resolvers of `switchTo`
  let state = {
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

  function update(change) {
    const moved = change.state && change.state !== state.state;
    const since = moved ? Date.now() : state.since;
    state = { ...state, wanted, attempt, since, ...change };
    does.onState(state);
  }

  function choice() {
    return wanted === "auto" ? negotiator.choice : wanted;
  }

  /** Whatever was planned or half open is given up. */
  function clear() {
    turn += 1;
    clearTimeout(timer);
    coming?.close();
    coming = null;
  }

  /** Opens `name`, beside `current` if there is one. */
  function begin(name, trial = false) {
    clear();
    const within = wanted === "auto" ? HELLO_WITHIN_AUTO : HELLO_WITHIN;
    coming = does.open(name, within, {
      opened,
      frame: does.frame,
      ended: (link, reason) => ended(link, reason, trial),
    });
    if (current) update({ switchingTo: name });
    else update({ state: "connecting", transport: name, retryAt: null });
  }

  function opened(link, hello) {
    const { name } = link;
    before = wanted;
    current?.close();
    current = link;
    coming = null;
    clearTimeout(timer);
    if (wanted === "auto") negotiator.forgive(name);
    const why = wanted === "auto" ? negotiator.explain(name) : null;
    does.story(why ?? `connected by ${transportName(name)}`, name);
    update({
      state: "open",
      transport: name,
      switchingTo: null,
      why,
      retryAt: null,
      server: hello.server ?? state.server,
      role: link.role,
      polling: null,
    });
    settle(name);
    planBetter();
    does.up(link);
  }

  function ended(link, reason, trial) {
    if (link === current) return lost(link, reason);
    coming = null;
    if (!current) return notOpened(link.name, reason);
    const words = `${transportName(link.name)}: ${reason.why}`;
    const why = `${words}; staying with ${transportName(current.name)}`;
    does.story(why, current.name);
    if (trial) negotiator.noBetter();
    else if (wanted === "auto") {
      negotiator.failed(link.name, reason.why);
      if (choice() !== current.name) return begin(choice());
    } else wanted = before;
    update({ switchingTo: null, why });
    settle(current.name);
    planBetter();
  }

  /** The one in use is gone. */
  function lost(link, reason) {
    current = null;
    const ms = Date.now() - link.openedAt;
    if (ms >= LASTED) attempt = 0;
    negotiator.lived(link.name, ms);
    does.down(reason);
    const words = `${transportName(link.name)} ended after ${duration(ms)}`;
    does.story(`${words}: ${reason.why}`, link.name);
    if (coming) update({ state: "connecting", transport: coming.name });
    else if (reason.final) stop(reason.why);
    else retryLater(reason);
  }

  /** It never opened. Whose fault is it: this transport's, or is there no
   *  server at all? Plain HTTP tells. */
  async function notOpened(name, reason) {
    clear();
    const asked = turn;
    const verdict = await does.probe(reason).then(
      () => null,
      (error) => error,
    );
    if (asked !== turn) return;
    if (verdict?.final) return stop(verdict.message);
    if (verdict) {
      const why = verdict.status ? verdict.message : "no server answers";
      return retryLater({ why, atLeast: verdict.retryAfterMs });
    }
    if (reason.final) return stop(reason.why);
    if (wanted === "auto") {
      negotiator.failed(name, reason.why);
      if (negotiator.choice !== name) return next(name, reason);
    }
    const why = `the server answers, but ${transportName(name)} fails`;
    retryLater({ ...reason, why: `${why}: ${reason.why}` });
  }

  function next(name, { why }) {
    const following = transportName(negotiator.choice);
    does.story(`${transportName(name)}: ${why}; trying ${following}`, name);
    begin(negotiator.choice);
  }

  function retryLater({ why, atLeast = 0 }) {
    clear();
    const ms = wait(settings.backoff, attempt, Math.random(), atLeast);
    attempt += 1;
    timer = setTimeout(() => begin(choice()), ms);
    const retryAt = Date.now() + ms;
    update({ state: "waiting", why, retryAt, switchingTo: null });
    const words = `${why}; attempt ${attempt} in ${duration(ms)}`;
    does.story(words, state.transport);
  }

  function stop(why) {
    clear();
    update({ state: "stopped", why, retryAt: null, switchingTo: null });
    does.story(`stopped: ${why}`, state.transport);
    settle(null);
  }

  function planBetter() {
    const better = wanted === "auto" && negotiator.better(current.name);
    if (!better) return;
    clearTimeout(timer);
    timer = setTimeout(() => begin(better.name, true), better.ms);
  }

  function settle(name) {
    for (const resolve of waiting) resolve(name);
    waiting = [];
  }

  return {
    get state() {
      return state;
    },
    get current() {
      return current;
    },
    update,
    start() {
      if (state.state !== "closed") begin(choice());
    },

    /** @returns {Promise<string>} the one in use when it is decided */
    switchTo(name) {
      before = wanted;
      wanted = name;
      attempt = 0;
      negotiator = createNegotiator();
      const decided = new Promise((resolve) => waiting.push(resolve));
      if (current?.name !== choice()) begin(choice());
      else {
        clear();
        update({ switchingTo: null });
        settle(current.name);
      }
      return decided;
    },

    /** The one in use, once more, with what has changed since. */
    reopen() {
      if (current) begin(current.name);
    },

    /** Not every transport can be told. */
    rename(nick) {
      if (current?.rename(nick)) return;
      if (current) this.reopen();
      else if (state.state === "stopped") begin(choice());
    },

    /** Try at once, or if connected see whether that is still true. */
    retryNow() {
      if (current) {
        current.look();
        current.ask();
      } else if (!coming) begin(choice());
    },

    /** The server said when it would be back. */
    leave(link, reason) {
      if (link !== current) return;
      link.close();
      lost(link, reason);
    },

    close() {
      clear();
      current?.close();
      current = null;
      update({ state: "closed", why: null, retryAt: null });
      settle(null);
    },
  };
}
