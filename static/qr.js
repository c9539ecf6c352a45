// A QR code as a square of dark and light (ISO/IEC 18004, 7.7-7.10). Pure.
//
// A class points its phones at the projector and is in the room. Words come
// from `qr-words.js`; `share.js` draws what this makes.

import { codeWords, versionFor } from "./qr-words.js";

/** Centres of the alignment patterns, for versions 1 to 10. */
const CENTRES = [
  [], [6, 18], [6, 22], [6, 26], [6, 30], [6, 34],
  [6, 22, 38], [6, 24, 42], [6, 26, 46], [6, 28, 50],
];

/** The eight masks: a word's bit is turned over where its mask says so. */
const MASKS = [
  (x, y) => (x + y) % 2 === 0,
  (x, y) => y % 2 === 0,
  (x) => x % 3 === 0,
  (x, y) => (x + y) % 3 === 0,
  (x, y) => ((y >> 1) + Math.floor(x / 3)) % 2 === 0,
  (x, y) => ((x * y) % 2) + ((x * y) % 3) === 0,
  (x, y) => (((x * y) % 2) + ((x * y) % 3)) % 2 === 0,
  (x, y) => (((x + y) % 2) + ((x * y) % 3)) % 2 === 0,
];

/**
 * The code of `text`: rows of booleans, true is dark, without the quiet
 * border of 4. Null if it is longer than 213 bytes of UTF-8.
 */
export function qr(text) {
  const content = new TextEncoder().encode(text);
  const version = versionFor(content.length);
  if (version === 0) return null;
  const blank = withPatterns(version);
  const words = codeWords(content, version);
  const drawn = MASKS.map((mask, number) => draw(blank, words, mask, number));
  const best = Math.min(...drawn.map(penalty));
  return drawn.find((square) => penalty(square) === best);
}

// Everything that does not depend on the text. `null` is room for words.
function withPatterns(version) {
  const size = 17 + 4 * version;
  const rows = Array.from({ length: size }, () => new Array(size).fill(null));
  for (let i = 0; i < size; i += 1) {
    rows[6][i] = i % 2 === 0;
    rows[i][6] = i % 2 === 0;
  }
  for (const [x, y] of [[3, 3], [size - 4, 3], [3, size - 4]]) {
    ring(rows, x, y, 4, (far) => far !== 2 && far !== 4);
  }
  const centres = CENTRES[version - 1];
  const last = centres.at(-1);
  for (const y of centres) {
    for (const x of centres) {
      const corner = (x === 6 && y === 6)
        || (x === 6 && y === last) || (x === last && y === 6);
      if (!corner) ring(rows, x, y, 2, (far) => far !== 1);
    }
  }
  drawFormat(rows, 0); // holds the place; the mask's own comes later
  if (version >= 7) drawVersion(rows, version);
  return rows;
}

function ring(rows, x, y, reach, isDark) {
  for (let dy = -reach; dy <= reach; dy += 1) {
    for (let dx = -reach; dx <= reach; dx += 1) {
      const far = Math.max(Math.abs(dx), Math.abs(dy));
      if (rows[y + dy]?.[x + dx] === undefined) continue;
      rows[y + dy][x + dx] = isDark(far);
    }
  }
}

// Level M is 00, so that the five bits are the mask's number.
function drawFormat(rows, mask) {
  const bits = ((mask << 10) | remainder(mask, 0x537, 10)) ^ 0x5412;
  const size = rows.length;
  for (let i = 0; i < 15; i += 1) {
    const dark = ((bits >> i) & 1) === 1;
    const along = i < 8 ? size - 1 - i : 14 - i + (i === 8 ? 1 : 0);
    const down = i < 8 ? i + (i > 5 ? 1 : 0) : size - 15 + i;
    rows[8][along] = dark;
    rows[down][8] = dark;
  }
  rows[size - 8][8] = true;
}

function drawVersion(rows, version) {
  const bits = (version << 12) | remainder(version, 0x1f25, 12);
  for (let i = 0; i < 18; i += 1) {
    const [far, near] = [rows.length - 11 + (i % 3), Math.floor(i / 3)];
    rows[far][near] = ((bits >> i) & 1) === 1;
    rows[near][far] = rows[far][near];
  }
}

// The rest of dividing by a polynomial over GF(2): a BCH code's check bits.
function remainder(value, divisor, width) {
  let rest = value;
  for (let i = 0; i < width; i += 1) {
    rest = (rest << 1) ^ ((rest >> (width - 1)) * divisor);
  }
  return rest;
}

function draw(blank, words, mask, number) {
  const rows = blank.map((row) => [...row]);
  let bit = 0;
  for (const [x, y] of path(rows.length)) {
    if (rows[y][x] !== null) continue;
    const word = words[bit >> 3] ?? 0;
    const dark = ((word >> (7 - (bit & 7))) & 1) === 1;
    rows[y][x] = dark !== mask(x, y);
    bit += 1;
  }
  drawFormat(rows, number);
  return rows;
}

// Two columns at a time from the right, up and down in turn, past column 6.
function* path(size) {
  let up = true;
  for (let right = size - 1; right > 0; right -= 2, up = !up) {
    if (right === 6) right = 5;
    for (let i = 0; i < size; i += 1) {
      const y = up ? size - 1 - i : i;
      yield [right, y];
      yield [right - 1, y];
    }
  }
}

// How hard a code is to read: long runs, squares, false finders, imbalance.
function penalty(rows) {
  const columns = rows.map((_, x) => rows.map((row) => row[x]));
  const lines = [...rows, ...columns].map((line) =>
    line.map((dark) => (dark ? "1" : "0")).join(""));
  let score = 0;
  for (const line of lines) {
    for (const [run] of line.matchAll(/0{5,}|1{5,}/g)) score += run.length - 2;
    score += 40 * count(line, /(?=10111010000|00001011101)/g);
  }
  score += 3 * squares(rows);
  const dark = count(lines.slice(0, rows.length).join(""), /1/g);
  const off = Math.abs((dark * 100) / rows.length ** 2 - 50);
  return score + 10 * Math.floor(off / 5);
}

function squares(rows) {
  let found = 0;
  for (let y = 1; y < rows.length; y += 1) {
    for (let x = 1; x < rows.length; x += 1) {
      const corner = rows[y][x];
      if (corner === rows[y - 1][x] && corner === rows[y][x - 1]
        && corner === rows[y - 1][x - 1]) found += 1;
    }
  }
  return found;
}

function count(line, pattern) {
  return [...line.matchAll(pattern)].length;
}
