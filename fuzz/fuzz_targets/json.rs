//! Any bytes as what clients say in JSON.

#![no_main]

use libfuzzer_sys::fuzz_target;
use twinchat::wire::json::{parse_post, parse_said};

fuzz_target!(|input: &[u8]| {
    if let Err(problem) = parse_post(input) {
        assert!(matches!(problem.status, 400 | 422), "{problem:?}");
    }
    if let Ok(text) = std::str::from_utf8(input) {
        let _ = parse_said(text);
    }
});
