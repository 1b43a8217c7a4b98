//! The MainDevice side.
