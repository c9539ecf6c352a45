// The frame X-ray: what a WebSocket really says, byte by byte and bit by bit.
//
// A browser shows a page neither the handshake nor a frame, and sends no
// broken one. So the server talks to one of its own sockets over a real
// connection (`POST /api/xray`, there with --demo) and this page draws it.

import { button, el } from "./dom.js";
import {
  bits, frames, fromHex, hex, meaning, splitHead,
} from "./frames.js";

const TARGETS = {
  "echo-by-hand": "Echo, by hand",
  "echo": "Echo, tungstenite",
  "socket-by-hand": "This room, by hand",
  "socket": "This room, tungstenite",
};

const RIGHT = {
  "text": "Text",
  "fragments": "Fragments",
  "ping": "Ping",
  "close": "Close",
};

const WRONG = {
  "unmasked": "No mask",
  "reserved-bit": "Reserved bit",
  "reserved-opcode": "Reserved opcode",
  "bad-utf8": "Bad UTF-8",
  "oversize": "2^40 bytes",
  "fragmented-ping": "Fragmented ping",
  "wrong-version": "Wrong version",
  "wrong-key": "Wrong key",
};

/** Bytes of a payload that are drawn; the rest is counted. */
const DRAWN = 24;

/** A page for the side panel. */
export function createXray({ room }) {
  const target = el("select", { id: "xray-target" },
    ...Object.entries(TARGETS).map(([value, name]) =>
      el("option", { value }, name)));
  const text = el("input", { id: "xray-text", maxlength: "200" });
  text.value = "Hello";
  const result = el("div", { "class": "xray", "aria-live": "polite" });
  const choose = (send) => show(result, ask({
    target: target.value, room, send, text: text.value || "Hello",
  }));
  const buttons = (lessons) => el("p", { class: "xray-buttons" },
    ...Object.entries(lessons).map(([send, name]) =>
      button(name, {}, () => choose(send))));
  const element = el("div", {},
    el("h2", {}, "Talk by hand"),
    el("div", { class: "choosers" },
      el("label", { for: "xray-target" }, "With"), target,
      el("label", { for: "xray-text" }, "Saying"), text),
    el("h2", {}, "Say it right"), buttons(RIGHT),
    el("h2", {}, "Break it"), buttons(WRONG),
    result);
  return { name: "xray", title: "X-ray", element };
}

/** The dialog, or a sentence that says why there is none. */
async function ask(question) {
  try {
    const answer = await fetch("/api/xray", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(question),
    });
    if (answer.status === 404) {
      return "Start the server with --demo to look at its frames.";
    }
    const body = await answer.json();
    return answer.ok ? body : body.detail;
  } catch {
    return "The server does not answer.";
  }
}

async function show(result, asking) {
  result.replaceChildren(el("p", { class: "note" }, "Listening …"));
  const dialog = await asking;
  if (typeof dialog === "string") {
    result.replaceChildren(el("p", { class: "note" }, dialog));
    return;
  }
  result.replaceChildren(
    el("h2", {}, `Sent: ${dialog.sent}`),
    ruling(dialog),
    ...dialog.spoken.length ? turns(dialog.spoken) : []);
}

/** What the RFC asks for, beside what the server did. */
function ruling({ section, due, ended, spoken }) {
  const said = turnsOf(spoken).filter(({ from }) => from === "server");
  const last = said.flatMap(({ frames: list }) => list)
    .findLast(({ opcode }) => opcode === 0x8);
  const status = said.find(({ lines }) => lines.length)?.lines[0];
  const refused = status && !status.includes(" 101 ");
  const did = (refused && status) || (last && `close ${meaning(last)}`)
    || (ended ? "ended the connection" : "kept the connection open");
  const source = el("a", {
    href: `https://www.rfc-editor.org/rfc/rfc6455#section-${section}`,
    rel: "noopener noreferrer nofollow",
    target: "_blank",
  }, `RFC 6455, section ${section}`);
  return el("dl", { class: "ruling" },
    el("dt", {}, source), el("dd", {}, due),
    el("dt", {}, "The server"), el("dd", {}, did));
}

function turns(spoken) {
  return turnsOf(spoken).map(({ from, at, lines, frames: list }) =>
    el("section", { class: `turn ${from}` },
      el("h3", {}, `${from === "client" ? "↑ Client" : "↓ Server"}`,
        el("span", { class: "took" }, `${at.toFixed(1)} ms`)),
      lines.length ? el("pre", {}, lines.join("\n")) : "",
      ...list.map(drawFrame)));
}

/** Each side's first words are a head of HTTP; what follows are frames. */
function turnsOf(spoken) {
  const opened = new Set();
  return spoken.map(({ from, at_ms: at, hex: digits }) => {
    const bytes = fromHex(digits);
    if (opened.has(from)) {
      return { from, at, lines: [], frames: frames(bytes) };
    }
    opened.add(from);
    const { lines, rest } = splitHead(bytes);
    const isOpen = from === "client" || lines[0]?.includes(" 101 ");
    if (isOpen) return { from, at, lines, frames: frames(rest) };
    const body = new TextDecoder().decode(rest);
    return { from, at, lines: [...lines, "", body], frames: [] };
  });
}

function drawFrame(frame) {
  const { fin, reserved, name, masked, length, header, whole } = frame;
  const [first = 0, second = 0] = header;
  return el("figure", { class: whole ? "frame" : "frame cut" },
    el("figcaption", {}, el("strong", {}, name), ` ${meaning(frame)}`),
    el("table", { class: "bits" },
      el("thead", {}, row("th", ["byte", "bits", "field"])),
      el("tbody", {},
        row("td", [hex(first), bits(first), [
          `FIN ${Number(fin)}`, `RSV ${reserved.toString(2).padStart(3, "0")}`,
          `opcode ${first & 0xf}, ${name}`].join(" · ")]),
        row("td", [hex(second), bits(second),
          `MASK ${Number(masked)} · length ${second & 0x7f}`]),
        ...longLength(header, length),
        ...masked ? [keyRow(frame)] : [])),
    drawPayload(frame));
}

function longLength(header, length) {
  const short = header[1] & 0x7f;
  const size = { 126: 2, 127: 8 }[short];
  if (!size) return [];
  const more = [...header.subarray(2, 2 + size)].map(hex).join(" ");
  return [row("td", [more, "", `length ${length}`])];
}

function keyRow({ key }) {
  return row("td", [[...key].map(hex).join(" "), "", "masking key"]);
}

/** The payload byte by byte; masked, with the key that opens each. */
function drawPayload({ payload, plain, key, masked }) {
  if (payload.length === 0) return "";
  const drawn = [...payload.subarray(0, DRAWN)];
  const column = (byte, i) => el("span", { class: "byte" },
    el("span", {}, hex(byte)),
    masked ? el("span", { class: "key" }, hex(key[i % 4])) : "",
    masked ? el("span", { class: "plain" }, hex(plain[i])) : "",
    el("span", { class: "char" }, printable(plain[i])));
  const left = payload.length - drawn.length;
  return el("div", { class: "payload" },
    el("span", { "class": "byte names", "aria-hidden": "true" },
      el("span", {}, masked ? "sent" : "byte"),
      masked ? el("span", { class: "key" }, "xor key") : "",
      masked ? el("span", { class: "plain" }, "is") : "",
      el("span", { class: "char" }, "text")),
    ...drawn.map(column),
    left > 0 ? el("span", { class: "note" }, `and ${left} more`) : "");
}

function printable(byte) {
  return byte > 0x20 && byte < 0x7f ? String.fromCharCode(byte) : "·";
}

function row(tag, cells) {
  return el("tr", {}, ...cells.map((cell) => el(tag, {}, cell)));
}
