// Durations and counts as people say them.

const UNITS = [
  ["day", 86_400],
  ["hour", 3_600],
  ["minute", 60],
  ["second", 1],
];

/** "1 message", "3 messages". */
export function count(number, noun) {
  return `${number} ${noun}${number === 1 ? "" : "s"}`;
}

/** Milliseconds as "less than a second", "40 seconds", "3 minutes" … */
export function duration(ms) {
  const seconds = Math.round(ms / 1000);
  const unit = UNITS.find(([, size]) => seconds >= size);
  if (!unit) return "less than a second";
  const [noun, size] = unit;
  return count(Math.floor(seconds / size), noun);
}

/** What a tab missed. */
export function away(ms, messages) {
  const caught = messages === 0 ? "no messages" : count(messages, "message");
  return `away for ${duration(ms)}, ${caught} caught up`;
}

/** What people call each transport. */
const NAMES = {
  socket: "WebSocket",
  "socket-by-hand": "WebSocket by hand",
  events: "server-sent events",
  stream: "a stream",
  "long-poll": "long polling",
  "short-poll": "short polling",
};

export function transportName(name) {
  return NAMES[name] ?? name;
}
