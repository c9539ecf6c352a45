// WebSocket: both sides speak whenever they like.
//
// `socket` and `socket-by-hand` are the same to a browser; the server's end
// differs, and the address with it.

import { socketAddress } from "../address.js";
import { frameBytes, HANDSHAKE } from "../sizes.js";
import { summarize } from "../trace.js";

/** The server's own pings are answered by the browser, out of a page's
 *  sight. So the page asks: in 16 s of silence it has asked and had eight
 *  seconds to be answered. */
export const heartbeat = { askAfter: 8000, deadAfter: 16_000 };

/** Posts and typing notes go over it too. */
export const posts = true;

/** RFC 6455, 7.4.1, and what they mean to this client. */
const CLOSES = {
  1000: "the server is done",
  1001: "the server is going away",
  1003: "the server expected text",
  1006: "the WebSocket was cut or refused; browsers do not say which",
  1008: "the server's policy forbids this connection",
  1009: "a message was too big",
  1013: "too slow or too many: come back later",
};

/** Coming back would be refused again. */
const POLICY = 1008;

export function open(context, handlers) {
  const { transport, after, nick, trace } = context;
  const url = socketAddress(context, transport, { after, nick });
  const socket = new WebSocket(url);
  handshake("out", `upgrade to ${transport}`);

  socket.onopen = () => handshake("in", "101, the WebSocket is open");
  socket.onmessage = ({ data }) => {
    const object = JSON.parse(data);
    frame("in", data, object);
    handlers.frame(object);
  };
  socket.onclose = ({ code, reason }) => {
    const why = reason || CLOSES[code] || `closed with ${code}`;
    const hidden = code === 1006;
    handlers.end({ why, code, hidden, final: code === POLICY });
  };

  function handshake(direction, summary) {
    const kind = direction === "out" ? "open" : "answer";
    const bytes = HANDSHAKE[direction];
    trace({ kind, transport, direction, bytes, estimated: true, summary });
  }

  function frame(direction, text, object) {
    const bytes = frameBytes(text, direction);
    const summary = summarize(object);
    trace({ kind: "frame", transport, direction, bytes, summary });
  }

  /** @returns {boolean} whether it went out */
  function send(object) {
    if (socket.readyState !== WebSocket.OPEN) return false;
    const text = JSON.stringify(object);
    socket.send(text);
    frame("out", text, object);
    return true;
  }

  return {
    ask: () => send({ type: "ping" }),
    post: ({ id, nick, text }) => send({ type: "post", id, nick, text }),
    typing: () => send({ type: "typing" }),
    rename: (nick) => send({ type: "join", nick }),
    close() {
      socket.onopen = socket.onmessage = socket.onclose = null;
      socket.close(1000);
    },
  };
}
