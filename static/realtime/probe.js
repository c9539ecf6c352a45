// Is it the transport that fails, or is there no server at all? A plain
// question tells.
//
// A browser keeps its connections for the next question, dead ones too: it
// cannot know. After a cut that made no sound a question may so go into the
// void, and the next one as well. So when no answer comes soon another is
// asked beside the first, until one is answered on a new connection; the
// others are given up, and with them the browser drops what they were
// asked on.

/** As many connections as a browser keeps to a host. */
const MOST = 6;

/** Milliseconds before another is asked, and for all of them together. */
const SOON = 300;
export const PROBE_WITHIN = 3000;

/**
 * @param {(signal: AbortSignal) => Promise} ask puts the question; a
 *   `Refusal` is an answer too
 * @returns {Promise} the first answer, or what the last failed with
 */
export function firstAnswer(ask) {
  const abort = new AbortController();
  const { signal } = abort;
  return new Promise((resolve, reject) => {
    let asked = 0;
    let failed = 0;

    function another() {
      asked += 1;
      ask(signal).then(resolve, (error) => {
        failed += 1;
        if (error.status || failed === asked) reject(error);
      });
      if (asked === MOST) clearInterval(timer);
    }

    const timer = setInterval(another, SOON);
    signal.addEventListener("abort", () => clearInterval(timer));
    another();
  }).finally(() => abort.abort());
}
