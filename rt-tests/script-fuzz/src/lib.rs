//! Programs of the cell language from seeds, run in both tiers and compared bit for bit.
//!
//! The interpreter tier is the oracle of the native one. A seed makes a cell, a well-typed program for it, and everything
//! that comes from outside in some tens of cycles; both tiers run the program on that, and after every cycle all that a
//! program can leave behind must be equal: tags, state, commands and requests, faults with their lines.
//!
//! Deliberately absent: the runtime. A tier is a `Program` of `sensai-scripts`, nothing more.

pub mod ast;
pub mod campaign;
pub mod chance;
pub mod clock;
pub mod coverage;
pub mod drive;
pub mod generate;
pub mod outside;
pub mod print;
pub mod shrink;
pub mod tiers;
pub mod walk;
pub mod world;
