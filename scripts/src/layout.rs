//! Names, types and offsets of a program's state.
