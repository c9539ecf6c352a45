// How many bytes a thing is on the wire.
//
// A page sees bodies and frames exactly, but not all headers: the browser
// adds some of its own and hides how HTTP chunks were cut. What is worked
// out from a guess is marked `estimated` wherever it is shown.

const encoder = new TextEncoder();

/** Bytes of a text in UTF-8. */
export function textBytes(text) {
  return encoder.encode(text).length;
}

/** What a browser adds to every request unasked: Accept-Encoding,
 *  Accept-Language, Connection, Referer, Sec-Fetch-*, sec-ch-ua-*; measured
 *  with Chromium, without its User-Agent. */
const UNSEEN_HEADERS = 430;

/** The size of a chunk before it, and the two line ends around it. */
const CHUNK_FRAMING = 7;

/** A request: line, headers and body. Estimated. */
export function requestBytes({ method, url, body }) {
  const { host, pathname, search } = new URL(url);
  const agent = globalThis.navigator?.userAgent ?? "";
  const line = `${method} ${pathname}${search} HTTP/1.1\r\n`;
  const seen = `Host: ${host}\r\nUser-Agent: ${agent}\r\n\r\n`;
  const content = body
    ? `Content-Type: application/json\r\nContent-Length: 99\r\n${body}`
    : "";
  return textBytes(line + seen + content) + UNSEEN_HEADERS;
}

/** The head of an answer: status line and headers. Estimated, as a page is
 *  not shown all of them. */
export function answerHeadBytes(response) {
  let head = `HTTP/1.1 ${response.status} ${response.statusText}\r\n\r\n`;
  for (const [name, value] of response.headers) {
    head += `${name}: ${value}\r\n`;
  }
  return textBytes(head);
}

/** One line of a stream, which comes as a chunk. Estimated: several lines
 *  may share one. */
export function lineBytes(line) {
  return textBytes(line) + 1 + CHUNK_FRAMING;
}

/** One server-sent event with its field names. Estimated, as lines are. */
export function eventBytes({ type, data, lastEventId }) {
  const fields = ["event: ", "\n", "data: ", "\n", "\n"].join("");
  const id = type === "message" ? `id: ${lastEventId}\n` : "";
  return textBytes(fields + type + data + id) + CHUNK_FRAMING;
}

/**
 * One WebSocket text frame (RFC 6455, 5.2): two bytes, more for a longer
 * payload, and a mask on what the browser sends. Exact, if it came whole.
 */
export function frameBytes(text, direction) {
  const payload = textBytes(text);
  const length = payload < 126 ? 0 : payload < 65_536 ? 2 : 8;
  return payload + 2 + length + (direction === "out" ? 4 : 0);
}

/** A WebSocket's handshake: a request and an answer no page ever sees. */
export const HANDSHAKE = { out: 620, in: 160 };
