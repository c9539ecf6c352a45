//! Taking off the mask (section 5.3).
//!
//! It hides nothing: the key is sent along. It makes a client's bytes
//! unpredictable, so that no page can make a browser send what some proxy on
//! the way would take for an HTTP request.

/// Unmasks a piece of a payload: byte `i` is combined with byte `i mod 4` of
/// the key. Turns the key, so that its first byte fits the next piece.
pub(super) fn unmask(payload: &mut [u8], key: &mut [u8; 4]) {
    let [a, b, c, d] = *key;
    // Eight bytes at a time, as two keys side by side; and the compiler does
    // four of those at once.
    let keys = u64::from_ne_bytes([a, b, c, d, a, b, c, d]);
    let (words, rest) = payload.as_chunks_mut::<8>();
    for word in words {
        *word = (u64::from_ne_bytes(*word) ^ keys).to_ne_bytes();
    }
    for (byte, key) in rest.iter_mut().zip(key.iter().cycle()) {
        *byte ^= key;
    }
    key.rotate_left(payload.len() % 4);
}
