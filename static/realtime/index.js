// connect(): one room over any transport. This file only wires; the README
// says what it offers, and which file holds which idea.

import { address } from "./address.js";
import { wait } from "./backoff.js";
import { Connection } from "./connection.js";
import { createCursor } from "./cursor.js";
import { createHearing } from "./hearing.js";
import { Link } from "./link.js";
import { check, complete } from "./options.js";
import { createBox, Outgoing } from "./outgoing.js";
import { firstAnswer, PROBE_WITHIN } from "./probe.js";
import { ask } from "./request.js";
import { shared } from "./tabs.js";
import { createTrace } from "./trace.js";
import { transports as table } from "./transports/index.js";
import { watchVisibility } from "./visibility.js";

export { backoffs, pollTimers, transports } from "./options.js";

/** Milliseconds for a post by HTTP, or an older page. */
const WITHIN = 10_000;

/** A typing note more often than this is not relayed. Milliseconds. */
const TYPING_EVERY = 2000;

/** See the README, word for word. */
export function connect(options) {
  const settings = complete(options);
  const tell = (name, ...values) => settings[name]?.(...values);
  const trace = createTrace((entry) => tell("onTrace", entry));
  const cursor = createCursor(settings.after);
  const parts = { settings, tell, trace, cursor };
  parts.outgoing = outgoingFor(parts);
  parts.connection = connectionFor(parts);
  parts.retryNow = () => parts.connection.retryNow();
  parts.visibility = visibilityFor(parts);
  globalThis.addEventListener?.("online", parts.retryNow);
  // Later, so that the page holds what `connect` gives before it is called.
  queueMicrotask(() => {
    parts.outgoing.start();
    parts.connection.start();
  });
  return faceOf(parts);
}

/** A plain question beside the transport in use, and counted with it. */
function question({ settings, trace, connection }, query, more) {
  const { url: base, room } = settings;
  const { resource = "messages" } = more;
  const url = address({ base, room }, resource, query);
  const asking = { transport: connection.state.transport, trace: trace.note };
  return ask(asking, { url, ...more });
}

function outgoingFor(parts) {
  const { settings, tell } = parts;
  const { storage, url, room } = settings;

  function send(post) {
    if (parts.connection.current?.post(post)) return;
    const { id, nick, text } = post;
    const body = JSON.stringify({ id, nick, text });
    const how = { method: "POST", body, within: WITHIN };
    question(parts, {}, how).then(
      (message) => parts.outgoing.acknowledged(id, message.seq),
      (error) => parts.outgoing.refused(id, error),
    );
  }

  return new Outgoing(createBox(storage, `realtime ${url} ${room} `), {
    send,
    wait: (attempt, atLeast) =>
      wait(settings.backoff, attempt, Math.random(), atLeast),
    onPost: (post) => tell("onPost", post),
  });
}

function connectionFor(parts) {
  const { settings, tell, trace, cursor, outgoing } = parts;

  const poll = {
    get timer() {
      return settings.pollTimer;
    },
    every: settings.pollEvery,
    report: (polling) => parts.connection.update({ polling }),
  };

  function open(name, within, handlers) {
    const { url: base, room, nick, share } = settings;
    const way = share && table[name].held ? shared(table[name]) : table[name];
    const place = { base, room, nick, after: cursor.at };
    const context = { ...place, transport: name, trace: trace.note, poll };
    return new Link(way, context, within, handlers);
  }

  function down({ code }) {
    if (code === 1009) outgoing.tooBig();
    outgoing.down();
  }

  const frame = createHearing({
    ...parts,
    leave: (link, reason) => parts.connection.leave(link, reason),
    counted: () => parts.visibility?.message(),
  });

  return new Connection(settings, {
    open,
    frame,
    down,
    up: () => outgoing.up(),
    probe: (reason) => probe(parts, reason),
    onState: (state) => tell("onState", state),
    story: trace.story,
  });
}

function visibilityFor({ retryNow, tell }) {
  const page = globalThis.document;
  if (!page) return null;
  return watchVisibility(page, {
    onReturn: retryNow,
    onAway: (report) => tell("onAway", report),
  });
}

/**
 * Whether it is the server that says no. Where browsers hide its answer, the
 * socket's address is asked as plain HTTP: 426 means that all is well but
 * the upgrade, anything else is what was hidden.
 */
async function probe(parts, { hidden }) {
  const { nick } = parts.settings;
  const within = PROBE_WITHIN;
  await firstAnswer((signal) =>
    question(parts, { limit: 1 }, { within, signal }),
  );
  if (!hidden) return;
  const how = { within, resource: "socket" };
  await question(parts, { nick }, how).catch((error) => {
    if (error.ours && error.status !== 426) throw error;
  });
}

/** What the page holds. */
function faceOf(parts) {
  const { settings, trace, cursor, outgoing } = parts;
  const { connection, visibility, retryNow } = parts;
  let typedAt = 0;

  return {
    post: (text) => outgoing.add(settings.nick, text),
    resend: (id) => outgoing.resend(id),
    discard: (id) => outgoing.discard(id),
    retryNow,
    switchTo: async (name) => connection.switchTo(check.transport(name)),

    typing() {
      if (Date.now() - typedAt < TYPING_EVERY) return true;
      const sent = connection.current?.typing() ?? false;
      if (sent) typedAt = Date.now();
      return sent;
    },

    rename(nick) {
      settings.nick = nick;
      connection.rename(nick);
    },

    async older(before, limit = 50) {
      const how = { within: WITHIN };
      const page = await question(parts, { before, limit }, how);
      return { messages: page.messages, more: page.more };
    },

    setBackoff(name) {
      settings.backoff = check.backoff(name);
    },

    setPollTimer(name) {
      settings.pollTimer = check.pollTimer(name);
      if (connection.current?.name === "short-poll") connection.reopen();
    },

    close() {
      globalThis.removeEventListener?.("online", retryNow);
      visibility?.close();
      connection.close();
      outgoing.close();
    },

    get cursor() {
      return cursor.at;
    },
    get state() {
      return connection.state;
    },
    get posts() {
      return outgoing.posts;
    },
    get totals() {
      return trace.totals;
    },
  };
}
