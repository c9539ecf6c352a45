// Contrast of every colour for words, light and dark: 4.5 or more (WCAG 2.2,
// 1.4.3), on every background they stand on.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { NICK_COLOURS } from "../../static/names.js";

const css = readFileSync(new URL("../../static/style.css", import.meta.url),
  "utf8");
const pair = /--([\w-]+): light-dark\((#\w{6}), (#\w{6})\)/g;
const colours = new Map([...css.matchAll(pair)].map(
  ([, name, light, dark]) => [name, [light, dark]]));

function luminance(hex) {
  const [red, green, blue] = [1, 3, 5].map((at) => {
    const part = Number.parseInt(hex.slice(at, at + 2), 16) / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

function contrast(a, b) {
  const [dark, light] = [luminance(a), luminance(b)].sort((x, y) => x - y);
  return (light + 0.05) / (dark + 0.05);
}

function holds(words, backgrounds, least) {
  for (const background of backgrounds) {
    ["light", "dark"].forEach((theme, i) => {
      const found = contrast(colours.get(words)[i], colours.get(background)[i]);
      assert.ok(found >= least,
        `${words} on ${background}, ${theme}: ${found.toFixed(2)}`);
    });
  }
}

test("nicks", () => {
  for (let i = 0; i < NICK_COLOURS; i += 1) {
    holds(`nick-${i}`, ["paper", "surface", "raised"], 4.5);
  }
});

test("words", () => {
  const everywhere = ["paper", "surface", "raised", "own", "call", "sunk"];
  for (const words of ["ink", "quiet", "accent", "bad"]) {
    holds(words, everywhere, 4.5);
  }
  for (const words of ["good", "warn", "threads", "loop"]) {
    holds(words, ["paper", "surface", "raised"], 4.5);
  }
  holds("on-accent", ["accent"], 4.5);
});

test("edges of controls can be seen", () => {
  holds("edge", ["paper", "surface", "raised"], 3);
});
