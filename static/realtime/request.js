// One HTTP request with its deadline, traced both ways.

import { answerHeadBytes, requestBytes, textBytes } from "./sizes.js";

/** Our server never asks for a longer wait. */
const LONGEST_RETRY_AFTER = 120;

/** An HTTP answer that is not a success. */
export class Refusal extends Error {
  /** @param {object} fields `status`, `code`, `retryAfterMs`, and `ours`:
   *  the server spoke, not a proxy */
  constructor(message, fields) {
    super(message);
    Object.assign(this, fields);
  }

  /** Asking again, unchanged, would be answered the same. Only the server
   *  itself can know: what stands in between may change its mind. */
  get final() {
    const { status, ours } = this;
    const asked = status >= 400 && status < 500;
    return ours && asked && status !== 408 && status !== 429;
  }
}

/** Two signals as one. `AbortSignal.any` is younger than this page's
 *  visitors. */
function withDeadline(signal, ms) {
  const abort = new AbortController();
  const late = new DOMException(`no answer in ${ms / 1000} s`, "TimeoutError");
  const timer = setTimeout(() => abort.abort(late), ms);
  const stop = () => abort.abort(signal.reason);
  if (signal?.aborted) stop();
  signal?.addEventListener("abort", stop);
  const release = () => {
    clearTimeout(timer);
    signal?.removeEventListener("abort", stop);
  };
  return { signal: abort.signal, release };
}

/** `Retry-After` in milliseconds; 0 without one. */
function retryAfterMs(response) {
  const seconds = Number(response.headers.get("retry-after") ?? 0);
  if (!(seconds > 0)) return 0;
  return Math.min(seconds, LONGEST_RETRY_AFTER) * 1000;
}

/** What a refusal says, of problem+json or of whatever stood in between. */
export async function refusalOf(response) {
  let problem = {};
  try {
    problem = await response.json();
  } catch {
    // A proxy's page, or nothing: the status alone must do.
  }
  const { status } = response;
  const words = problem.detail ?? `the answer was ${status}`;
  const code = problem.code ?? `http_${status}`;
  return new Refusal(words, {
    status,
    code,
    ours: problem.code !== undefined,
    retryAfterMs: retryAfterMs(response),
  });
}

/**
 * Asks and reads the whole answer as JSON.
 * @param {{trace: Function, transport: string}} context
 * @param {{url, method?, body?, signal?, within}} question `within`: ms
 * @returns {Promise<object>} rejects with a `Refusal`, or with what `fetch`
 *   throws
 */
export async function ask(context, question) {
  const { url, method = "GET", body, within } = question;
  const { pathname, search } = new URL(url);
  const { transport, trace } = context;
  trace({
    kind: "request",
    transport,
    direction: "out",
    bytes: requestBytes({ method, url, body }),
    estimated: true,
    summary: `${method} ${pathname}${search}`,
  });
  const started = Date.now();
  const deadline = withDeadline(question.signal, within);
  try {
    const response = await fetch(url, {
      method,
      body,
      headers: body ? { "Content-Type": "application/json" } : {},
      cache: "no-store",
      signal: deadline.signal,
    });
    const text = await response.clone().text();
    trace({
      kind: "answer",
      transport,
      direction: "in",
      bytes: answerHeadBytes(response) + textBytes(text),
      estimated: true,
      summary: `${response.status} to ${method} ${pathname}`,
      status: response.status,
      ms: Date.now() - started,
    });
    if (!response.ok) throw await refusalOf(response);
    return JSON.parse(text);
  } finally {
    deadline.release();
  }
}
