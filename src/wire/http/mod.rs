//! HTTP/1.1 (RFC 9110, RFC 9112): requests out of bytes, answers into bytes.
//!
//! `decoder` is the machine that a connection has. The rules it holds a
//! client to are in `head`, `target` and `body`, and `line` says what a line
//! is. Nothing here knows what a request asks for.

mod body;
mod decoder;
mod head;
mod line;
mod problem;
mod request;
mod response;
mod target;

pub use body::too_large as body_too_large;
pub use decoder::{Decoder, Progress};
pub use head::{target_too_long, too_many_headers, unknown_method};
pub use problem::Problem;
pub use request::{Method, Request, Version};
pub use response::{Framing, LAST_CHUNK, Response, chunk};
