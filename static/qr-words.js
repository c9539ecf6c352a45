// The words of a QR code: bytes and what mends them (ISO/IEC 18004, 7.4-7.6).
//
// Byte mode, error correction M: about 15 % of a printed or projected code
// may be unreadable. Versions 1 to 10 hold up to 213 bytes.

/** For versions 1 to 10 at M: check words a block, then data words of each. */
const BLOCKS = [
  [10, [16]],
  [16, [28]],
  [26, [44]],
  [18, [32, 32]],
  [24, [43, 43]],
  [16, [27, 27, 27, 27]],
  [18, [31, 31, 31, 31]],
  [22, [38, 38, 39, 39]],
  [22, [36, 36, 36, 37, 37]],
  [26, [43, 43, 43, 43, 44]],
];

const BYTE_MODE = 0b0100;
const PADS = [0xec, 0x11];

/** The smallest version that holds `count` bytes, or 0 if none does. */
export function versionFor(count) {
  return BLOCKS.findIndex((_, index) => count <= capacity(index + 1)) + 1;
}

/** All words of a code of this version, in the order they are drawn. */
export function codeWords(content, version) {
  const [checks, sizes] = BLOCKS[version - 1];
  const data = dataWords(content, version);
  let from = 0;
  const blocks = sizes.map((size) => data.slice(from, from += size));
  const mends = blocks.map((block) => checkWords(block, checks));
  return [...interleave(blocks), ...interleave(mends)];
}

/**
 * Reed-Solomon check words: the rest of dividing `data`, as a polynomial
 * over GF(256), by (x - 2^0)(x - 2^1)…(x - 2^(count-1)).
 */
export function checkWords(data, count) {
  const divisor = generator(count);
  const rest = new Array(count).fill(0);
  for (const word of data) {
    const factor = word ^ rest.shift();
    rest.push(0);
    divisor.forEach((term, i) => { rest[i] ^= multiply(term, factor); });
  }
  return rest;
}

function dataWords(content, version) {
  const length = dataLength(version);
  const bits = [];
  const put = (value, width) => {
    for (let i = width - 1; i >= 0; i -= 1) bits.push((value >> i) & 1);
  };
  put(BYTE_MODE, 4);
  put(content.length, lengthBits(version));
  for (const byte of content) put(byte, 8);
  put(0, Math.min(4, length * 8 - bits.length));
  put(0, (8 - (bits.length % 8)) % 8);
  for (let i = 0; bits.length < length * 8; i += 1) put(PADS[i % 2], 8);
  return Array.from({ length }, (_, i) =>
    bits.slice(i * 8, i * 8 + 8).reduce((word, bit) => (word << 1) | bit));
}

function capacity(version) {
  return dataLength(version) - Math.ceil((4 + lengthBits(version)) / 8);
}

function dataLength(version) {
  return BLOCKS[version - 1][1].reduce((sum, size) => sum + size);
}

function lengthBits(version) {
  return version < 10 ? 8 : 16;
}

// A scratch then costs each block a little instead of one block everything.
function interleave(blocks) {
  const longest = Math.max(...blocks.map((block) => block.length));
  const column = (i) => blocks.filter((block) => i < block.length)
    .map((block) => block[i]);
  return Array.from({ length: longest }, (_, i) => column(i)).flat();
}

// The divisor's terms below the highest, which is always 1.
function generator(count) {
  let terms = [1];
  for (let i = 0, root = 1; i < count; i += 1, root = multiply(root, 2)) {
    const shifted = [...terms, 0];
    terms.forEach((term, j) => { shifted[j + 1] ^= multiply(term, root); });
    terms = shifted;
  }
  return terms.slice(1);
}

// In GF(256) with x^8 + x^4 + x^3 + x^2 + 1: shift and add without carry.
function multiply(a, b) {
  let product = 0;
  for (let i = 7; i >= 0; i -= 1) {
    product = (product << 1) ^ ((product >> 7) * 0x11d);
    product ^= ((b >> i) & 1) * a;
  }
  return product;
}
