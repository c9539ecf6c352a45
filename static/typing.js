// Who is writing now, until they have been silent for a while.

/** How long one note that somebody types is good for, in ms. */
const GOOD_FOR = 3500;

/** `line` says it; `me()` is left out. */
export function createTyping(line, me) {
  const until = new Map();
  let timer = 0;

  function show() {
    const now = Date.now();
    for (const [nick, end] of until) if (end <= now) until.delete(nick);
    line.textContent = typingWords([...until.keys()]);
    clearTimeout(timer);
    const next = Math.min(...until.values());
    if (until.size > 0) timer = setTimeout(show, next - now);
  }

  return {
    note({ nick }) {
      if (nick === me()) return;
      until.set(nick, Date.now() + GOOD_FOR);
      show();
    },
    /** Their message is here, so they no longer type it. */
    wrote(nick) {
      if (until.delete(nick)) show();
    },
  };
}

/** `ada is typing`, `ada and bob are typing`, `ada and 3 others …`. */
export function typingWords(nicks) {
  const [first, second] = nicks;
  switch (nicks.length) {
    case 0: return "";
    case 1: return `${first} is typing…`;
    case 2: return `${first} and ${second} are typing…`;
    default: return `${first} and ${nicks.length - 1} others are typing…`;
  }
}
