// What this browser remembers for its user: nick, theme, drafts.
//
// In a private window, or where storage is full or forbidden, every access
// to localStorage may throw. Then the page remembers until it is closed.

const PREFIX = "twinchat.";

/** A store of small values by name, kept in `storage` where that works. */
export function createPrefs(storage = browserStorage()) {
  const memory = new Map(); // only what could not be stored
  return {
    /** The value kept under `name`, or `fallback`. */
    read(name, fallback = "") {
      if (memory.has(name)) return memory.get(name) || fallback;
      return attempt(() => storage.getItem(PREFIX + name)) ?? fallback;
    },
    /** Keeps `value`; an empty one is forgotten. */
    write(name, value) {
      const stored = attempt(() => {
        if (value === "") storage.removeItem(PREFIX + name);
        else storage.setItem(PREFIX + name, value);
        return true;
      });
      if (stored) memory.delete(name);
      else memory.set(name, value);
    },
    /** Calls `action` when another tab writes `name`. */
    onOther(name, action) {
      globalThis.addEventListener?.("storage", ({ key }) => {
        if (key === PREFIX + name) action();
      });
    },
  };
}

// Even naming `localStorage` throws where a browser blocks it.
function browserStorage() {
  return attempt(() => globalThis.localStorage) ?? null;
}

function attempt(action) {
  try {
    return action();
  } catch {
    return undefined;
  }
}
