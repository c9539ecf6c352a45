//! HTTP/1.1 (RFC 9110, RFC 9112): requests out of bytes, answers into bytes.

mod decoder;
mod problem;
mod request;
mod response;

pub use decoder::{Decoder, Progress};
pub use problem::Problem;
pub use request::{Method, Request, Version};
pub use response::{Framing, LAST_CHUNK, Response, chunk};
