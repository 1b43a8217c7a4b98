//! The executive: one cyclic thread, everything around it, and the commands of the `sensai` binary.
//!
//! Read [`cycle`] first. [`machine`] is what a cycle computes with, [`cyclic`] the life of the thread that runs
//! cycles, [`run`] the rest of the process, [`replay`] the same machine fed from a log.
//!
//! Deliberately absent: EtherCAT frames (they are in `sensai-fieldbus`), the format of the log (`sensai-log`), and
//! what a program means (`sensai-scripts`).

pub mod bench;
pub mod cli;
pub mod commands;
pub mod control;
pub mod cost;
pub mod cycle;
pub mod cyclic;
pub mod debug;
pub mod evidence;
pub mod guard;
pub mod inbox;
pub mod inference;
pub mod keyframe;
pub mod libraries;
pub mod log_plot;
pub mod machine;
pub mod pace;
pub mod perf_map;
pub mod phase;
pub mod plant;
pub mod plot;
pub mod programs;
pub mod publish;
pub mod recorder;
pub mod reload;
pub mod replay;
pub mod retained;
pub mod rt;
pub mod run;
pub mod signals;
pub mod sim_faults;
pub mod snapshot;
pub mod source;
pub mod states;
pub mod status;
pub mod summary;
pub mod tasks;
pub mod testing;
pub mod timing;
pub mod top;
pub mod twin;
pub mod watchdog;

/// The example that tests use.
#[cfg(test)]
fn test_cell() -> std::path::PathBuf {
    concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/pneumatic-press").into()
}
