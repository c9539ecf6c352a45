//! The page in a real Chromium, on a real server.
//!
//! One browser at a time: it takes both cores for itself while it starts.

#![allow(clippy::unwrap_used, reason = "in a test, a panic is the report")]
#![allow(unreachable_pub, reason = "here `pub` means shared between files")]

/// Runs the tests named in it on every server there is.
macro_rules! on_every_server {
    ($($test:ident),+ $(,)?) => {
        suite!(threads, "threads", $($test)+);
        suite!(event_loop, "event-loop", $($test)+);
    };
}

/// The tests named in it as a module of their own, on one server.
macro_rules! suite {
    ($module:ident, $server:literal, $($test:ident)+) => {
        mod $module {
            $(
                #[test]
                fn $test() {
                    let _alone = crate::one_at_a_time();
                    super::$test(crate::harness::Kind($server));
                }
            )+
        }
    };
}

mod both_in_a_browser;
mod chromium;
mod faults_in_a_browser;
#[path = "../behaviour/harness/mod.rs"]
#[allow(dead_code, unused_imports, reason = "the behaviour suite uses it all")]
mod harness;
mod in_a_browser;
mod proxy;

use std::sync::{Mutex, MutexGuard, PoisonError};

/// Waits until no other test has a browser. (That one has failed is no reason
/// for the others not to run.)
fn one_at_a_time() -> MutexGuard<'static, ()> {
    static BROWSER: Mutex<()> = Mutex::new(());
    BROWSER.lock().unwrap_or_else(PoisonError::into_inner)
}
