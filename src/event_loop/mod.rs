//! The server as an event loop.
//!
//! One thread runs all the code. A client is a task: it runs until it must
//! wait, and says for what; the loop asks the kernel which of them need wait
//! no longer. What is shared needs no lock, because nobody else runs while
//! one does; for the same reason nobody may work for long. Twin: `threads`.

mod connection;
mod crew;
mod door;
mod http2;
mod line;
mod long_poll;
mod outbox;
mod presence;
mod rooms;
mod server;
mod socket;
mod stream;
mod turn;

pub use server::run;
