// A message's text as pieces: words, links, `code`, *emphasis*, @mentions.
//
// Pure: it answers with values and never with markup, so nothing anybody
// types can become part of the page. `prose.js` makes elements of them.

// Only http and https become links: never `javascript:`, never `data:`.
const LINK = /(?<link>https?:\/\/[^\s<>"`]+)/u.source;
const FENCE = /```\n?(?<fence>[\s\S]+?)\n?```/u.source;
const CODE = /`(?<code>[^`\n]+)`/u.source;
// A star binds to the word beside it, so that `2 * 3 * 4` stays as it is.
const OPENS = /(?<![\p{L}\p{N}*])\*(?=[^\s*])/u.source;
const CLOSES = /(?<!\s)\*(?![\p{L}\p{N}*])/u.source;
const EMPHASIS = `${OPENS}(?<stressed>[^*\\n]+)${CLOSES}`;
const CALL = /(?<![\p{L}\p{N}_@])@/u.source;
const NAME = /[\p{L}\p{N}\p{M}_\-]{1,24}/u.source;
const NAME_ENDS = /(?![\p{L}\p{N}\p{M}_])/u.source;

/**
 * Cuts `text` into `{kind, text}` with kind `text`, `link`, `code`, `block`,
 * `emphasis` (which has `parts` in place of `text`) or `mention` (with
 * `me: true` where it is `nick`).
 */
export function pieces(text, nick = "") {
  return cut(text, nick, [FENCE, CODE, LINK, EMPHASIS]);
}

/** Whether the pieces call whoever they were cut for. */
export function calls(found) {
  return found.some(({ me, parts }) => me || (parts && calls(parts)));
}

function cut(text, nick, rules) {
  const out = [];
  let from = 0;
  for (const match of text.matchAll(compiled([...rules, mention(nick)]))) {
    const piece = pieceOf(match, nick);
    add(out, text.slice(from, match.index));
    if (piece.made.kind === "text") add(out, piece.made.text);
    else out.push(piece.made);
    from = match.index + piece.length;
  }
  add(out, text.slice(from));
  return out;
}

// A flood of messages must not compile one expression a thousand times.
const expressions = new Map();

function compiled(rules) {
  const source = rules.join("|");
  const known = expressions.get(source);
  if (known) return known;
  const made = new RegExp(source, "giu");
  expressions.set(source, made);
  return made;
}

// A nick may hold spaces and dots, so one's own is looked for whole.
function mention(nick) {
  const own = nick.replaceAll(".", "\\.");
  const either = own === "" ? NAME : `${own}|${NAME}`;
  return `${CALL}(?<who>(?:${either})${NAME_ENDS})`;
}

function pieceOf(match, nick) {
  const { fence, code, link, stressed, who } = match.groups;
  const whole = { length: match[0].length };
  if (fence) return { made: { kind: "block", text: fence }, ...whole };
  if (code) return { made: { kind: "code", text: code }, ...whole };
  if (stressed) {
    const parts = cut(stressed, nick, [CODE, LINK]);
    return { made: { kind: "emphasis", parts }, ...whole };
  }
  if (who) {
    const me = who.toLowerCase() === nick.toLowerCase();
    return { made: { kind: "mention", text: match[0], me }, ...whole };
  }
  const address = trimLink(link);
  const kind = isAddress(address) ? "link" : "text";
  return { made: { kind, text: address }, length: address.length };
}

/** Leaves a sentence's punctuation out: `(see https://a.b/c).` */
export function trimLink(link) {
  let end = link.length;
  for (; end > 0; end -= 1) {
    const last = link[end - 1];
    if (last === ")" && balanced(link.slice(0, end))) break;
    if (!".,;:!?'*)]}…".includes(last)) break;
  }
  return link.slice(0, end);
}

function isAddress(text) {
  try {
    return new URL(text).hostname !== "";
  } catch {
    return false;
  }
}

function balanced(text) {
  const count = (character) => text.split(character).length - 1;
  return count(")") <= count("(");
}

function add(out, text) {
  if (text === "") return;
  const last = out.at(-1);
  if (last?.kind === "text") last.text += text;
  else out.push({ kind: "text", text });
}
