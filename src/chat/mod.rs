//! Floor 0: what a chat is. Names, messages, and a room's history.
//!
//! Nothing here waits, locks, reads a clock or knows a byte format: the time
//! and the number of a message are given to it, and it answers with values.

mod history;
mod message;
mod names;
mod nicks;

pub use history::{History, Page};
pub use message::{Draft, Message, Millis, Seq};
pub use names::{MessageId, Nick, RoomName, Rule, Text};
pub use nicks::Nicks;
