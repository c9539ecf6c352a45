//! Floor 1: bytes to words and back. HTTP, JSON, server-sent events, lines
//! and WebSocket.
//!
//! Nothing here has a socket, a thread or a clock. A parser is given bytes
//! with `receive`, asked for what they mean with `next_…`, and for what it
//! wants to answer by itself with `take_output`. So both servers share every
//! byte of it, and all of it is tested by bytes.

pub mod api;
pub mod http;
pub mod json;
pub mod query;
pub mod stream;
pub mod websocket;
