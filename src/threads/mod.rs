//! The server as a thread per client.
//!
//! A client's thread only reads: it blocks until its client says something,
//! with a timeout as its clock. Anyone may write to a client, through its
//! outbox: whoever has news for a room writes it straight to the sockets of
//! its readers, and wakes nobody. Twin: `event_loop`.

mod connection;
mod crew;
mod door;
mod line;
mod long_poll;
mod outbox;
mod presence;
mod rooms;
mod server;
mod socket;
mod stream;
mod system;
mod turn;

#[cfg(test)]
mod tests;

pub use server::run;
