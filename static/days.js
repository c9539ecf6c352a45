// Times and days, as people say them. Pure: the time is given, never asked.

const DAY_MS = 24 * 60 * 60 * 1000;
const MINUTE_MS = 60 * 1000;

/** How long one person's messages stand under one name, in ms. */
export const RUN_MS = 5 * MINUTE_MS;

/** `09:30`, or as the reader's language writes it. */
export function clockTime(at, locale) {
  return format(locale, { hour: "2-digit", minute: "2-digit" }).format(at);
}

/** The whole of it, for a tooltip: `21 November 2026 at 09:30:00`. */
export function fullTime(at, locale) {
  return format(locale, { dateStyle: "long", timeStyle: "medium" }).format(at);
}

/** `Today`, `Yesterday`, `Friday 13 November`, with a year if another. */
export function dayName(at, now, locale) {
  if (sameDay(at, now)) return "Today";
  if (sameDay(at, dayBefore(now))) return "Yesterday";
  const shape = { weekday: "long", day: "numeric", month: "long" };
  if (at.getFullYear() !== now.getFullYear()) shape.year = "numeric";
  return format(locale, shape).format(at);
}

/** Whether two instants fall on one day of the reader's calendar. */
export function sameDay(a, b) {
  return a.getFullYear() === b.getFullYear()
    && a.getMonth() === b.getMonth()
    && a.getDate() === b.getDate();
}

/** Whether a message continues the run of the one above it. */
export function continuesRun(above, message) {
  if (!above || above.nick !== message.nick) return false;
  const [from, to] = [new Date(above.at), new Date(message.at)];
  return sameDay(from, to) && Math.abs(to - from) < RUN_MS;
}

/** How long until the reader's next midnight, in ms. */
export function untilMidnight(now) {
  const next = new Date(now.getFullYear(), now.getMonth(), now.getDate() + 1);
  return Math.min(next - now, 2 * DAY_MS);
}

// Making a format costs a hundred times what using it does.
const formats = new Map();

function format(locale, shape) {
  const key = `${locale} ${JSON.stringify(shape)}`;
  const known = formats.get(key);
  if (known) return known;
  const made = new Intl.DateTimeFormat(locale, shape);
  formats.set(key, made);
  return made;
}

// Not `now - DAY_MS`: a day is 23 or 25 hours when clocks change.
function dayBefore(now) {
  return new Date(now.getFullYear(), now.getMonth(), now.getDate() - 1);
}
