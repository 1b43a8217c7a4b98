//! The `sensai` binary.
fn main() {}
