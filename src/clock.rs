//! What time it is, for those floors that may not look.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::chat::Millis;

/// Now, in milliseconds since 1970.
pub fn now() -> Millis {
    since_1970().as_millis() as Millis
}

/// Now, in microseconds since 1970.
pub fn micros() -> u64 {
    since_1970().as_micros() as u64
}

/// A clock that stands before 1970 is taken to stand there.
fn since_1970() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}
