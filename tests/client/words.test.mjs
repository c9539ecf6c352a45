// The page's pure modules: names, days, units, unread, typing, states.

import assert from "node:assert/strict";
import { test } from "node:test";
import {
  clockTime, continuesRun, dayName, sameDay, untilMidnight,
} from "../../static/days.js";
import {
  colourOf, NICK_COLOURS, nickProblem, roomOf, roomProblem, toRoom,
} from "../../static/names.js";
import { createPrefs } from "../../static/prefs.js";
import { stateWords, waitWords } from "../../static/transports.js";
import { typingWords } from "../../static/typing.js";
import { bytes, duration, median, plural } from "../../static/units.js";
import { createUnread, jumpWords, titleOf } from "../../static/unread.js";

test("rooms are named as the protocol has them", () => {
  for (const room of ["lobby", "a", "9-to-5", "x".repeat(32)]) {
    assert.equal(roomProblem(room), "", room);
    assert.equal(roomOf(`/r/${room}`), room);
  }
  for (const room of ["", "-a", "A", "a_b", "x".repeat(33), "ä"]) {
    assert.notEqual(roomProblem(room), "", room);
    assert.equal(roomOf(`/r/${room}`), "lobby");
  }
  assert.equal(roomOf("/"), "lobby");
  assert.equal(roomOf("/r/class/"), "class");
  assert.equal(toRoom("  #My class_2 "), "my-class-2");
});

test("nicks are named as the protocol has them", () => {
  for (const nick of ["ada", " ada ", "O'Neil-Smith Jr.", "鈴木", "_"]) {
    assert.equal(nickProblem(nick), "", nick);
  }
  const wrong = ["", " ", "a\u200bb", "a\u202eb", "<b>", "x".repeat(25)];
  for (const nick of wrong) {
    assert.notEqual(nickProblem(nick), "", nick);
  }
});

test("a nick keeps its colour, and colours are used evenly", () => {
  assert.equal(colourOf("Ada"), colourOf("ada"));
  const used = Array.from({ length: 600 }, (_, i) => colourOf(`user ${i}`));
  for (let colour = 0; colour < NICK_COLOURS; colour += 1) {
    const share = used.filter((one) => one === colour).length;
    assert.ok(share > 20, `colour ${colour}: ${share} of 600`);
  }
});

test("days as people say them", () => {
  const now = new Date(2026, 10, 21, 9, 30);
  assert.equal(dayName(new Date(2026, 10, 21, 0, 0), now, "en-GB"), "Today");
  assert.equal(dayName(new Date(2026, 10, 20, 23, 59), now, "en-GB"),
    "Yesterday");
  assert.equal(dayName(new Date(2026, 10, 13), now, "en-GB"),
    "Friday 13 November");
  assert.match(dayName(new Date(2025, 10, 13), now, "en-GB"), /2025$/);
  assert.equal(clockTime(now, "en-GB"), "09:30");
  assert.ok(!sameDay(now, new Date(2026, 10, 22)));
  assert.equal(untilMidnight(new Date(2026, 5, 1, 23, 59)), 60_000);
});

test("a run is one writer, one day, five minutes", () => {
  const at = (nick, minute) =>
    ({ nick, at: new Date(2026, 10, 21, 9, minute).toISOString() });
  assert.ok(continuesRun(at("ada", 0), at("ada", 4)));
  assert.ok(!continuesRun(at("ada", 0), at("ada", 5)));
  assert.ok(!continuesRun(at("ada", 0), at("bob", 0)));
  assert.ok(!continuesRun(undefined, at("bob", 0)));
});

test("figures for people", () => {
  assert.deepEqual([0, 999, 1000, 9999, 12_345, 999_499, 1e6].map(bytes),
    ["0 B", "999 B", "1.0 kB", "10.0 kB", "12 kB", "999 kB", "1.0 MB"]);
  assert.deepEqual([0.84, 42.4, 3100].map(duration),
    ["0.8 ms", "42 ms", "3.1 s"]);
  assert.equal(duration(undefined), "");
  assert.equal(plural(1, "reader"), "1 reader");
  assert.equal(plural(0, "reader"), "0 readers");
  assert.equal(median([3, 1, 2]), 2);
  assert.equal(median([1, 2, 3, 4]), 2.5);
  assert.equal(median([]), undefined);
});

test("unread counts from one look to the next", () => {
  const unread = createUnread();
  assert.equal(unread.arrived(true), false);
  assert.equal(unread.arrived(false), true);
  assert.equal(unread.arrived(false), false);
  assert.equal(titleOf("lobby", unread.count), "(2) #lobby · Twinchat");
  assert.equal(jumpWords(unread.count), "2 new messages");
  unread.looked();
  assert.equal(titleOf("lobby", unread.count), "#lobby · Twinchat");
});

test("who is typing", () => {
  assert.equal(typingWords([]), "");
  assert.equal(typingWords(["ada"]), "ada is typing…");
  assert.equal(typingWords(["ada", "bob"]), "ada and bob are typing…");
  assert.equal(typingWords(["a", "b", "c"]), "a and 2 others are typing…");
});

test("states in words", () => {
  const words = (state) => stateWords({ transport: "events", ...state });
  assert.equal(words({ state: "open" }), "Connected over server-sent events");
  assert.equal(words({ state: "open", switchingTo: "socket" }),
    "Going over to WebSocket");
  assert.equal(words({ state: "stopped", why: "No such room." }),
    "Stopped. No such room.");
  assert.equal(waitWords(5000, 2500), "next try in 3 s");
  assert.equal(waitWords(5000, 5001), "trying now");
});

test("what is kept survives, and a broken store does no harm", () => {
  const map = new Map();
  const storage = {
    getItem: (key) => map.get(key) ?? null,
    setItem: (key, value) => map.set(key, value),
    removeItem: (key) => map.delete(key),
  };
  createPrefs(storage).write("nick", "ada");
  assert.equal(createPrefs(storage).read("nick"), "ada");
  createPrefs(storage).write("nick", "");
  assert.equal(createPrefs(storage).read("nick", "none"), "none");

  const fail = () => { throw new Error("forbidden"); };
  const broken = { getItem: fail, setItem: fail, removeItem: fail };
  for (const prefs of [createPrefs(broken), createPrefs(null)]) {
    prefs.write("nick", "ada");
    assert.equal(prefs.read("nick"), "ada");
    prefs.write("nick", "");
    assert.equal(prefs.read("nick", "none"), "none");
  }
});
