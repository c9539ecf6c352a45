// The transports by name. Each has one way in:
//
//   open(context, handlers) → { close(), ask?(), post?(post), typing?(),
//                               rename?(nick) }
//
// `context` says where and from which cursor on:
//   { base, room, nick, after, transport, trace, poll }
// `handlers` hear of what comes:
//   frame(object)  an object of the protocol; the first is a `hello`, and a
//                  `ping` is a sign of life that carries nothing
//   end(reason)    it is over, once: { why, atLeast?, final?, hidden?,
//                  silent?, code? }, where `atLeast` is a wait in ms,
//                  `final` means: do not retry, `hidden`: browsers keep the
//                  answer back, and `silent`: it just stopped
// After `close()` the handlers hear nothing more.
//
// `heartbeat`: how long silence may last, in milliseconds; none for polls,
// where each question has its own deadline. `held`: it keeps one of the six
// connections a browser gives a host, so tabs had better share it.

import * as events from "./events.js";
import * as longPoll from "./long-poll.js";
import * as shortPoll from "./short-poll.js";
import * as socket from "./socket.js";
import * as stream from "./stream.js";

export const transports = {
  socket: { ...socket, held: true },
  events: { ...events, held: true },
  stream: { ...stream, held: true },
  "long-poll": { ...longPoll, held: true },
  "short-poll": { ...shortPoll, held: false },
  "socket-by-hand": { ...socket, held: true },
};
