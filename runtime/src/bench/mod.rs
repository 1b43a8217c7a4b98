//! Measurements that print ratios to a peer from the same run, never verdicts by wall clock alone.

pub mod ai;
pub mod bootstrap;
pub mod cycle;
pub mod cyclictest;
pub mod jitter;
pub mod lsp;
pub mod namespace;
mod random;
pub mod script;
