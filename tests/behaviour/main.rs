//! How Twinchat behaves, seen from outside: the real binary, real sockets.
//!
//! Every test is written against "a server" and runs against each of those
//! listed in `on_every_server!`, one line a server. A test that names a server
//! is in the wrong file.

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
                    super::$test(crate::harness::Kind($server));
                }
            )+
        }
    };
}

/// Runs the tests named in it on every server, with both codecs of WebSocket:
/// each is given what the paths of its codec end with.
macro_rules! on_every_codec {
    ($($test:ident),+ $(,)?) => {
        mod library {
            $(fn $test(on: crate::harness::Kind) { super::$test(on, ""); })+
            on_every_server! { $($test),+ }
        }
        mod by_hand {
            $(
                fn $test(on: crate::harness::Kind) {
                    super::$test(on, "-by-hand");
                }
            )+
            on_every_server! { $($test),+ }
        }
    };
}

mod harness;

mod activation;
mod admin;
mod connections;
mod crash;
mod crowd;
mod demo;
mod echo;
mod events;
mod framing;
mod hostile;
mod http;
mod http2;
mod journal;
mod only;
mod origin;
mod overload;
mod page;
mod poll;
mod post;
mod presence;
mod rates;
mod resume;
mod scarce;
mod shutdown;
mod siege;
mod silence;
mod slow;
mod socket;
mod stream;
mod timeouts;
mod tls;
mod xray;
