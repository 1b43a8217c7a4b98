//! `cell.toml` to [`crate::Cell`].
