// Notifications, for those who ask for them, of what came while away.

import { byId } from "./dom.js";

const KEY = "notify";

/** The checkbox in the settings, and `message(message)` to tell of one. */
export function createNotify(prefs, { room }) {
  const box = byId("notify");
  const note = byId("notify-note");
  const can = "Notification" in globalThis;
  box.disabled = !can;
  box.checked = can && prefs.read(KEY) === "on"
    && Notification.permission === "granted";
  if (!can) note.textContent = "This browser has no notifications.";

  box.addEventListener("change", async () => {
    if (box.checked && await Notification.requestPermission() !== "granted") {
      box.checked = false;
      note.textContent = "The browser does not allow it for this page.";
    }
    prefs.write(KEY, box.checked ? "on" : "");
  });

  return {
    message(message) {
      if (!box.checked || !document.hidden) return;
      show(`${message.nick} in #${room}`, message.text, room);
    },
  };
}

// The same tag for one room: a busy room is one notification, not fifty.
function show(title, body, tag) {
  try {
    const shown = new Notification(title, { body: body.slice(0, 200), tag });
    shown.addEventListener("click", () => {
      window.focus();
      shown.close();
    });
  } catch {
    // Phones allow them to service workers only. The title still counts.
  }
}
