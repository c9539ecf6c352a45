// The race's scale, and which twin a page may talk to.

import assert from "node:assert/strict";
import { test } from "node:test";
import { distance } from "../../static/race-lane.js";
import { twinOf } from "../../static/twin.js";

test("each third of a track is ten times more", () => {
  const [fast, quick, slow, late] = [3, 30, 300, 3000].map(distance);
  assert.ok(fast > 0 && late === 1);
  assert.ok(Math.abs((quick - fast) - (slow - quick)) < 1e-9);
  assert.equal(distance(0), fast);
  assert.equal(distance(1e9), 1);
});

test("a twin is an http origin and nothing else", () => {
  assert.equal(twinOf("?twin=http://127.0.0.1:8081"), "http://127.0.0.1:8081");
  assert.equal(twinOf("?twin=https://b.example/x?y"), "https://b.example");
  for (const query of ["", "?twin=", "?twin=8081", "?twin=javascript:1",
    "?twin=file:///etc/passwd", "?other=http://a.example"]) {
    assert.equal(twinOf(query), null, query);
  }
});
