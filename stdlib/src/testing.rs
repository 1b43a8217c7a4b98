//! What several unit tests use.

/// A written-out sequence of bits: `"0 1 1 0"`.
pub fn wave(text: &str) -> impl Iterator<Item = bool> {
    text.split_whitespace().map(|bit| match bit {
        "0" => false,
        "1" => true,
        other => panic!("`{other}` is neither 0 nor 1"),
    })
}
