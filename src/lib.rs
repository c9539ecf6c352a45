//! Twinchat: one real-time chat server, written twice.
//!
//! The floors, from the ground up; imports only ever go down:
//!
//! * [`limits`], [`chat`]: what a room is. Values in, values out.
//! * [`wire`]: bytes to words and back. No sockets, no threads, no clock.
//! * [`store`], [`metrics`], [`admission`], [`machine`], [`tls`]: what makes
//!   messages safe, what is counted, who is let in, what the machine allows,
//!   what nobody on the way can read.
//! * [`threads`] and [`event_loop`]: the twins, which only differ in how they
//!   wait; and [`admin`], the operator's endpoint.

pub mod admin;
pub mod admission;
pub mod answers;
pub mod chat;
pub mod clock;
pub mod config;
pub mod event_loop;
pub mod heartbeat;
pub mod launch;
pub mod limits;
pub mod machine;
pub mod metrics;
pub mod options;
pub mod site;
pub mod store;
pub mod threads;
pub mod tls;
pub mod wire;
pub mod xray;
