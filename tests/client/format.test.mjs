// Text as pieces: what becomes a link, and what never may.

import assert from "node:assert/strict";
import { test } from "node:test";
import { calls, pieces, trimLink } from "../../static/format.js";

const mentions = (words, nick) => calls(pieces(words, nick));
const link = (text) => ({ kind: "link", text });
const text = (words) => ({ kind: "text", text: words });

test("plain words stay as they are", () => {
  for (const words of ["hi", "<b>x</b>", "a\n\nb", "2 * 3 * 4", "*", "``"]) {
    assert.deepEqual(pieces(words), [text(words)]);
  }
});

test("only http and https addresses are links", () => {
  assert.deepEqual(pieces("see https://a.example/b?c=d#e now"),
    [text("see "), link("https://a.example/b?c=d#e"), text(" now")]);
  for (const words of ["javascript:alert(1)", "data:text/html,x", "http://",
    "https://...", "ftp://a.example", "jhttps:/x"]) {
    assert.deepEqual(pieces(words), [text(words)]);
  }
});

test("a sentence keeps its punctuation", () => {
  assert.deepEqual(pieces("(see http://a.example/x)."),
    [text("(see "), link("http://a.example/x"), text(").")]);
  assert.equal(trimLink("http://a.example/x_(y)"), "http://a.example/x_(y)");
  assert.equal(trimLink("http://a.example/x_(y))."), "http://a.example/x_(y)");
});

test("code keeps everything inside it", () => {
  assert.deepEqual(pieces("use `*a* @bob https://x.example` here"),
    [text("use "),
      { kind: "code", text: "*a* @bob https://x.example" },
      text(" here")]);
  assert.deepEqual(pieces("```\nlet a = 1;\n  b\n```"),
    [{ kind: "block", text: "let a = 1;\n  b" }]);
});

test("emphasis holds on to words, and may hold a link", () => {
  assert.deepEqual(pieces("this is *it*."), [text("this is "),
    { kind: "emphasis", parts: [text("it")] }, text(".")]);
  assert.deepEqual(pieces("*http://a.example b*"), [{
    kind: "emphasis", parts: [link("http://a.example"), text(" b")],
  }]);
  assert.deepEqual(pieces("a*b*c"), [text("a*b*c")]);
});

test("mentions, one's own whole even with spaces and dots", () => {
  assert.deepEqual(pieces("hi @bob!", "ada"), [text("hi "),
    { kind: "mention", text: "@bob", me: false }, text("!")]);
  assert.deepEqual(pieces("@Ada B. look", "ada b."), [
    { kind: "mention", text: "@Ada B.", me: true }, text(" look")]);
  assert.ok(mentions("*@ada*", "ada"));
  for (const words of ["@adam", "me@ada", "`@ada`", "ada", "@a.a"]) {
    assert.ok(!mentions(words, words === "@a.a" ? "axa" : "ada"), words);
  }
  assert.ok(!mentions("@anything", ""));
});

test("nothing is lost and the worst text is quick", () => {
  const worst = ["*a ".repeat(1300), "```".repeat(1300) + "`", "@".repeat(4000),
    "http://".repeat(500), "(".repeat(4000)];
  const whole = (piece) => piece.text ?? `*${piece.parts.map(whole).join("")}*`;
  for (const words of worst) {
    const start = performance.now();
    const found = pieces(words, "ada");
    assert.ok(performance.now() - start < 500, words.slice(0, 9));
    if (!words.includes("`")) {
      assert.equal(found.map(whole).join(""), words);
    }
  }
});
