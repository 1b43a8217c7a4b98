//! The language server: findings of a cell in the editor, as they are typed.
//!
//! It knows no language. The binary passes in the check that `sensai check` runs, so that editor and command line can
//! never disagree. Everything runs on one thread, in the order in which the editor speaks.
//!
//! Deliberately absent: the bus, threads of our own, incremental text, and LSP types outside of `lsp/`.
//! Not here yet: completion, hover, go to definition, formatting, fixes, the debug adapter, the `vscode/` extension.

mod lsp;
mod server;
mod workspace;

use lsp_server::Connection;
use std::{
    collections::BTreeMap,
    ops::Range,
    path::{Path, PathBuf},
};

/// Texts of open files that may differ from those on disk.
pub type Overlay = BTreeMap<PathBuf, String>;

/// A finding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// File, absolute or relative to the cell's directory.
    pub path: PathBuf,
    /// Bytes of the file's text, UTF-8. Cut to the text where it reaches beyond.
    pub range: Range<usize>,
    /// How bad it is.
    pub severity: Severity,
    /// Stable code, such as `S0101`.
    pub code: String,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub help: Option<String>,
}

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// The cell cannot run.
    Error,
    /// It can, but probably not as meant.
    Warning,
    /// Worth knowing.
    Information,
}

/// Why the server stopped.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The editor broke the protocol.
    #[error("language server protocol: {0}")]
    Protocol(#[from] lsp_server::ProtocolError),
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
/// `check` gets a cell's directory and the texts of open files, and gives all findings of that cell.
///
/// # Errors
/// Any end but the orderly one.
pub fn run_stdio(check: impl Fn(&Path, &Overlay) -> Vec<Diagnostic>) -> Result<(), Error> {
    let (connection, threads) = Connection::stdio();
    let served = server::serve(&connection, check);
    // The writing thread ends when nobody can send any more. The reading one may hang in a read, so it is waited for
    // only after an orderly end.
    drop(connection);
    served?;
    threads.join()?;
    Ok(())
}
