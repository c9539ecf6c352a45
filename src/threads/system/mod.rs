//! What the threads wait with and for: locks, channels, other threads, and a
//! socket that has no room.
//!
//! Under test all of it is a model that runs one thread at a time, in orders
//! of its own choosing; `tests` looks for one in which something goes wrong.
//! (The event loop has no such file: it is one thread.)

#[cfg(test)]
pub(super) use super::tests::model::{
    Builder, Condvar, JoinHandle, Mutex, Receiver, Sender, bounded, poll, send,
};
#[cfg(not(test))]
pub(super) use {
    crossbeam_channel::{Receiver, Sender, bounded},
    parking_lot::{Condvar, Mutex},
    rustix::event::poll,
    rustix::net::send,
    std::thread::{Builder, JoinHandle},
};
