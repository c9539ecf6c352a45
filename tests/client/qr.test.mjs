// QR codes: known words from the standard, and the shape of the square.
//
// Every length from 1 to 213 bytes was also read by an independent decoder
// (zxing-cpp) when this was written; here a code is read back by hand.

import assert from "node:assert/strict";
import { test } from "node:test";
import { qr } from "../../static/qr.js";
import { checkWords, codeWords, versionFor }
  from "../../static/qr-words.js";

test("check words of the standard's own example", () => {
  // ISO/IEC 18004, annex I: `01234567`, version 1-M.
  const data = [0x10, 0x20, 0x0c, 0x56, 0x61, 0x80, 0xec, 0x11,
    0xec, 0x11, 0xec, 0x11, 0xec, 0x11, 0xec, 0x11];
  assert.deepEqual(checkWords(data, 10),
    [0xa5, 0x24, 0xd4, 0xc1, 0xed, 0x36, 0xc7, 0x87, 0x2c, 0x55]);
});

test("the smallest version that fits, at error correction M", () => {
  const most = [14, 26, 42, 62, 84, 106, 122, 152, 180, 213];
  most.forEach((bytes, index) => {
    assert.equal(versionFor(bytes), index + 1);
    assert.equal(qr("x".repeat(bytes)).length, 17 + 4 * (index + 1));
  });
  assert.equal(versionFor(214), 0);
  assert.equal(qr("x".repeat(214)), null);
});

test("all words of a version are there", () => {
  const totals = [26, 44, 70, 100, 134, 172, 196, 242, 292, 346];
  totals.forEach((total, index) => {
    assert.equal(codeWords([1, 2, 3], index + 1).length, total);
  });
});

test("three finders, timing and the dark module are in place", () => {
  for (const length of [10, 60, 120, 200]) {
    const code = qr("h".repeat(length));
    const size = code.length;
    for (const [x, y] of [[0, 0], [size - 7, 0], [0, size - 7]]) {
      const rows = code.slice(y, y + 7).map((row) =>
        row.slice(x, x + 7).map((dark) => (dark ? "#" : ".")).join(""));
      assert.deepEqual(rows, ["#######", "#.....#", "#.###.#", "#.###.#",
        "#.###.#", "#.....#", "#######"]);
    }
    for (let i = 8; i < size - 8; i += 1) {
      assert.equal(code[6][i], i % 2 === 0);
      assert.equal(code[i][6], i % 2 === 0);
    }
    assert.equal(code[size - 8][8], true);
    assert.ok(code.flat().every((dark) => typeof dark === "boolean"));
  }
});

test("both copies of the format say M and the same mask", () => {
  const code = qr("https://chat.example/r/lobby");
  const size = code.length;
  const along = [0, 1, 2, 3, 4, 5, 7, 8].map((x) => code[8][x])
    .concat([7, 5, 4, 3, 2, 1, 0].map((y) => code[y][8]));
  const split = [1, 2, 3, 4, 5, 6, 7].map((i) => code[size - i][8])
    .concat([8, 7, 6, 5, 4, 3, 2, 1].map((i) => code[8][size - i]));
  assert.deepEqual(along, split);
  const bits = along.reduce((word, dark) => (word << 1) | Number(dark), 0);
  assert.equal((bits ^ 0x5412) >> 13, 0b00);
});
