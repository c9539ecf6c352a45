// The page, wired: the only file that knows all the others.

import { connect } from "./realtime/index.js";
import { createComposer } from "./composer.js";
import { createConversation, pageColumn } from "./conversation.js";
import { createQuestion, wireDialogs } from "./dialogs.js";
import { byId } from "./dom.js";
import { createMine } from "./mine.js";
import { nickProblem, roomOf, roomProblem, toRoom } from "./names.js";
import { createNotify } from "./notify.js";
import { Panels } from "./panels.js";
import { createPicker } from "./picker.js";
import { createPrefs } from "./prefs.js";
import { createPresence } from "./presence.js";
import { Race } from "./race.js";
import { createRecent } from "./recent.js";
import { createSettings } from "./settings.js";
import { createShare } from "./share.js";
import { askServer, createStatus } from "./status.js";
import { createHeading, createTwin, twinOf } from "./twin.js";
import { createTyping } from "./typing.js";
import { titleOf } from "./unread.js";
import { createWirePanel } from "./wire-panel.js";
import { createXray } from "./xray.js";

const prefs = createPrefs();
const room = roomOf(location.pathname);
const twinOrigin = twinOf(location.search);
const mine = createMine(prefs);
let nick = nickProblem(prefs.read("nick")) ? "" : prefs.read("nick");
let sendOnceNamed = false;

wireDialogs();
createSettings(prefs);
createShare(room, new URL(`/r/${room}`, location.origin).href);
createRecent(prefs, room);
const notify = createNotify(prefs, { room });
const status = createStatus({ retry: () => chat.retryNow() });
const typing = createTyping(byId("typing"), () => nick);
const presence = createPresence({ me: () => nick });
const picker = createPicker(prefs, { change });
const wire = createWirePanel({
  picker: picker.element,
  totals: () => chat.totals,
});
// A further page of the side panel is one more name in this list.
const panels = new Panels(prefs, [presence, wire, createXray({ room })]);
const heading = createHeading(byId("conversation-title"));
const conversation = createConversation(pageColumn(), {
  isMine: mine.has,
  nick: () => nick,
  older: (...page) => chat.older(...page),
  actions: {
    retry: (id) => chat.resend(id),
    dismiss: (id) => chat.discard(id),
  },
  onUnread: showTitle,
});
const race = new Race({
  room,
  chat: () => chat,
  post: send,
  onOpen(open) {
    byId("conversation").hidden = open;
    byId("twin").hidden = open || !twin;
  },
});

const settings = {
  room,
  nick: nick || undefined,
  transport: picker.transport,
  backoff: picker.backoff,
  pollTimer: picker.pollTimer,
};
const chat = connect({
  ...settings,
  onMessage,
  onState,
  onTrace,
  onPost,
  onPresence: presence.presence,
  onTyping: (note) => typing.note(note),
  onGap: conversation.gap,
  onAway: ({ words }) => conversation.away(words),
});
const twin = twinOrigin && createTwin(twinOrigin, settings, {
  isMine: mine.has,
  nick: () => nick,
  onPost: ({ id }) => mine.add(id),
});

const composer = createComposer(prefs, room, {
  send,
  typing: () => chat.typing(),
});
const askNick = createQuestion("nick", {
  tidy: (word) => word.trim(),
  problem: nickProblem,
  done: setNick,
});
const askRoom = createQuestion("room", {
  tidy: toRoom,
  problem: roomProblem,
  done: (name) => location.assign(`/r/${name}${location.search}`),
});

function onMessage(message, info) {
  typing.wrote(message.nick);
  conversation.add(message, { ...info, own: mine.has(message.id) });
  if (info.how !== "history" && !mine.has(message.id)) {
    notify.message(message);
  }
}

function onState(state) {
  status.state(state);
  heading.state(state);
  picker.state(state);
  panels.state(state);
  if (state.server) heading.server(state.server);
  if (state.state === "open") conversation.ready();
  if (state.state === "open" && state.transport.endsWith("poll")) {
    presence.unknown();
  }
}

function onTrace(entry) {
  panels.trace(entry);
  if (entry.kind === "latency") heading.latency(entry.ms);
}

function onPost(post) {
  mine.add(post.id);
  if (post.state === "sending") race.posted(post.id);
  conversation.post(post);
}

/** False if it has to wait for a name. */
function send(text) {
  if (nick === "") {
    sendOnceNamed = true;
    askNick("");
    return false;
  }
  // What becomes of them, `onPost` tells.
  for (const connection of [chat, twin]) connection?.post(text).catch(() => {});
  return true;
}

function setNick(chosen) {
  nick = chosen;
  prefs.write("nick", nick);
  showNick();
  chat.rename(nick);
  twin?.rename(nick);
  if (sendOnceNamed) composer.submit();
  sendOnceNamed = false;
  composer.focus();
}

function showTitle(count) {
  const title = titleOf(room, count);
  if (document.title !== title) document.title = title;
}

function showNick() {
  byId("nick-name").textContent = nick || "Name?";
}

function change(what, value) {
  for (const connection of [chat, twin]) {
    switch (what) {
      case "transport":
        connection?.switchTo(value);
        break;
      case "backoff":
        connection?.setBackoff(value);
        break;
      case "pollTimer":
        connection?.setPollTimer(value);
        break;
    }
  }
}

mine.onOther(conversation.claim);
showNick();
showTitle(0);
byId("room-name").textContent = room;
byId("conversation-title").hidden = !twin;
byId("room-open").addEventListener("click", () => askRoom(room));
byId("nick-open").addEventListener("click", () => {
  sendOnceNamed = false;
  askNick(nick);
});
byId("change").addEventListener("click", () => {
  panels.open("wire", byId("change"));
  picker.focus();
});
for (const page of ["people", "wire"]) {
  const opener = byId(`${page}-open`);
  opener.addEventListener("click", () => panels.toggle(page, opener));
}
askServer(location.origin).then((kind) => {
  status.server(kind);
  heading.server(kind);
});
