//! The language server: what is known of a cell, in the editor, as it is typed.
//!
//! It has no opinion of its own. Programs are understood by `sensai-scripts`, cells by `sensai-model`, and what needs the rest of the product
//! comes from the [`Host`], the binary, which runs the same for `sensai check`: editor and command line can never
//! disagree.
//!
//! Everything that is shown is computed on one thread, in the order in which the editor speaks, from a
//! [`Snapshot`](analysis::Snapshot) with a revision. Programs are looked at again when their text changed, a cell when
//! anything else did; an editor that goes on typing is not told of what it had before.
//!
//! A running cell is one of the things that change ([`online`]): followed beside the main loop, shown like everything else.
//!
//! Deliberately absent: the bus, a clock, incremental parsing. `analysis` does no I/O, and LSP types are in `lsp` only.
//!
//! [`dap`] is the debug adapter, a server of its own: what it debugs, the binary passes in, too.

pub mod analysis;
pub mod dap;
mod files;
mod handlers;
pub mod host;
mod lsp;
pub mod online;
mod server;
mod state;
mod transport;

pub use host::{Host, Loaded, Read, Side, Subject, TwinSide};
pub use online::{Link, Online};

/// Why the server stopped.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The editor broke the protocol.
    #[error("language server protocol: {0}")]
    Protocol(String),
    /// The editor went away without a word.
    #[error("the editor closed the connection without `exit`")]
    Disconnected,
    /// `exit` came without `shutdown` before it, for which the protocol demands exit code 1.
    #[error("the editor sent `exit` without `shutdown`")]
    ExitWithoutShutdown,
    /// Standard input or output failed.
    #[error("standard input or output: {0}")]
    Stdio(#[from] std::io::Error),
}

/// Serve an editor over standard input and output until it says goodbye.
///
/// # Errors
/// Any end but the orderly one.
pub fn run_stdio(host: &dyn Host) -> Result<(), Error> {
    let transport = transport::stdio();
    let served = server::serve(&transport.connection, host);
    // What was said last is still written; the reading thread may hang in a read, and ends with the process.
    transport.finish(served.is_ok())?;
    served
}
