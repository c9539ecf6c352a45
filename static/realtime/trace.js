// What goes over the wire, entry by entry, and its totals.

/** Entries that are a request of their own. */
const REQUESTS = new Set(["request", "open"]);

/** Entries that are a piece of a longer exchange. */
const PIECES = new Set(["event", "line", "frame"]);

function emptyTotal() {
  return {
    requests: 0,
    frames: 0,
    bytesOut: 0,
    bytesIn: 0,
    estimated: false,
    latency: { count: 0, last: 0, mean: 0, best: Infinity, worst: 0 },
  };
}

/** The same figures with one more latency in them. */
function withLatency({ count, mean, best, worst }, ms) {
  return {
    count: count + 1,
    last: ms,
    mean: mean + (ms - mean) / (count + 1),
    best: Math.min(best, ms),
    worst: Math.max(worst, ms),
  };
}

function add(total, entry) {
  if (REQUESTS.has(entry.kind)) total.requests += 1;
  if (PIECES.has(entry.kind)) total.frames += 1;
  if (entry.direction === "out") total.bytesOut += entry.bytes;
  if (entry.direction === "in") total.bytesIn += entry.bytes;
  total.estimated ||= entry.estimated;
  if (entry.kind === "latency") {
    total.latency = withLatency(total.latency, entry.ms);
  }
}

/** @param {(entry: object) => void} onTrace see the README */
export function createTrace(onTrace) {
  const totals = {};

  function note(entry) {
    const whole = {
      at: Date.now(),
      direction: null,
      bytes: 0,
      estimated: false,
      summary: "",
      ...entry,
    };
    const { transport } = whole;
    if (transport) add((totals[transport] ??= emptyTotal()), whole);
    onTrace(whole);
  }

  return {
    note,

    /** Something to tell in words. */
    story(summary, transport = null) {
      note({ kind: "story", transport, summary });
    },

    /** A copy, by transport; see the README. */
    get totals() {
      return structuredClone(totals);
    },
  };
}

/** What a protocol object is, in a few words. */
export function summarize(object) {
  switch (object.type) {
    case "message":
      return `message ${object.seq} from ${object.nick}`;
    case "post":
      return `post ${shorten(object.text)}`;
    case "ack":
      return `ack, it is message ${object.seq}`;
    case "error":
      return `error ${object.code}`;
    case "hello":
      return `hello, the room is at ${object.last}`;
    case "presence":
      return `presence, ${object.count} here`;
    default:
      return String(object.type);
  }
}

function shorten(text) {
  return text.length > 30 ? `"${text.slice(0, 29)}…"` : `"${text}"`;
}
