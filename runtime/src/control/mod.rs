//! The control socket: people and their tools look at a running cell, and give it commands.
//!
//! The socket is a file that only its owner (and, if asked for, one group) may open; who gave a command is what the kernel
//! says of the other end. Over a network it can be reached if that is asked for, with TLS and a token ([`remote`]). The
//! protocol is in `docs/control-protocol.md`.
//!
//! Read [`server`] first: one thread, no lock shared with the cycle. What it shows comes from [`crate::snapshot`]; a
//! command goes through the inbox like any other, so that a replay sees it too, and is answered when the cycle that took
//! it has ended.
//!
//! Deliberately absent: anything that a cycle would wait for.

pub mod audit;
pub mod client;
pub mod describe;
mod desk;
pub mod force;
pub mod method;
pub mod patch;
pub mod peer;
pub mod place;
pub mod protocol;
mod refusal;
pub mod remote;
mod served;
pub mod server;
pub mod session;
mod state;
mod stream;
pub mod tail;
pub mod view;

#[cfg(test)]
mod tests;
