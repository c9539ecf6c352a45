// Which messages are one's own, also after a reload: the ids that this
// browser has posted. A nick is no proof; anybody may take the same.

const KEY = "mine";

/** Ids remembered; older ones are only no longer shown on the right. */
const MOST = 300;

export function createMine(prefs) {
  const ids = new Set(read(prefs));
  return {
    has: (id) => ids.has(id),
    /** Another tab of this browser posted `id`: told to `action`. */
    onOther(action) {
      prefs.onOther(KEY, () => {
        for (const id of read(prefs).filter((one) => !ids.has(one))) {
          ids.add(id);
          action(id);
        }
      });
    },
    add(id) {
      if (ids.has(id)) return;
      ids.add(id);
      // Read again: another tab may have posted meanwhile.
      const all = [...new Set([...read(prefs), ...ids])].slice(-MOST);
      prefs.write(KEY, all.join(" "));
    },
  };
}

function read(prefs) {
  return prefs.read(KEY).split(" ").filter((id) => id !== "");
}
