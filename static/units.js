// Bytes, durations and counts for people. Pure.

/** `812 B`, `1.4 kB`, `23 MB`: powers of ten, three figures at most. */
export function bytes(count) {
  if (count === undefined || count === null) return "";
  if (count < 1000) return `${Math.round(count)} B`;
  const [size, unit] = count < 999_500
    ? [count / 1000, "kB"]
    : [count / 1_000_000, "MB"];
  return `${size < 10 ? size.toFixed(1) : Math.round(size)} ${unit}`;
}

/** `0.8 ms`, `42 ms`, `3.1 s`. */
export function duration(ms) {
  if (ms === undefined || ms === null || Number.isNaN(ms)) return "";
  if (ms < 10) return `${ms.toFixed(1)} ms`;
  if (ms < 999.5) return `${Math.round(ms)} ms`;
  return `${(ms / 1000).toFixed(1)} s`;
}

/** `1 message`, `3 messages`. */
export function plural(count, one, many = `${one}s`) {
  return `${count} ${count === 1 ? one : many}`;
}

/** The middle value of a list of numbers, or undefined of an empty one. */
export function median(values) {
  if (values.length === 0) return undefined;
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  if (sorted.length % 2 === 1) return sorted[middle];
  return (sorted[middle - 1] + sorted[middle]) / 2;
}
