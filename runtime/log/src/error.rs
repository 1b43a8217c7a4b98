//! What can be wrong with a log, and what to do about it.

use sensai_model::record::RecordError;
use std::{io, path::PathBuf};

/// Anything that keeps a log from being opened, read or written.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// The operating system said no.
    #[error("{action} {}: {source}", path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// On which file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// Reading or writing the opened log failed.
    #[error("{action} at byte {offset}: {source}")]
    Storage {
        /// What was tried.
        action: &'static str,
        /// Where in the file.
        offset: u64,
        /// Why not.
        source: io::Error,
    },
    /// The file does not begin like a cycle log.
    #[error("not a cycle log: {what}; nothing was changed, name another file")]
    Foreign {
        /// What it has instead.
        what: String,
    },
    /// Written by another version of the format.
    #[error(
        "format version {actual}, this program reads version {expected}; use the version that wrote the log"
    )]
    Version {
        /// Ours.
        expected: u16,
        /// The file's.
        actual: u16,
    },
    /// Something changed after it was written and synced.
    #[error(
        "altered at byte {offset}: {what}; nothing was changed, `sensai log verify` shows how far it is good"
    )]
    Altered {
        /// Start of the first bad block.
        offset: u64,
        /// What is wrong there.
        what: String,
    },
    /// Another process has it.
    #[error("{} is in use by another runtime; stop that one, or name another log", path.display())]
    InUse {
        /// The locked file.
        path: PathBuf,
    },
    /// The ring's file belongs to somebody else.
    #[error("{} belongs to user {owner}; remove it, or run as that user", path.display())]
    ForeignRing {
        /// The ring.
        path: PathBuf,
        /// Its owner's id.
        owner: u32,
    },
    /// The description of an epoch cannot be used.
    #[error("epoch at byte {offset}: {what}")]
    Epoch {
        /// Start of its first block.
        offset: u64,
        /// What is wrong.
        what: String,
    },
    /// A record that is none, although its block is undamaged.
    #[error("record {index} of the block at byte {offset}: {source}")]
    Record {
        /// Start of the block.
        offset: u64,
        /// Which record of the block, from 0.
        index: usize,
        /// What is wrong.
        source: RecordError,
    },
    /// Asked for something the log does not hold.
    #[error("{what}; the log holds cycles {first} to {last}")]
    NotFound {
        /// What was asked for.
        what: String,
        /// First recorded cycle.
        first: u64,
        /// Last recorded cycle.
        last: u64,
    },
    /// What the caller wants to record does not fit together.
    #[error("{0}")]
    Request(String),
}

impl LogError {
    pub(crate) fn io(action: &'static str, path: &std::path::Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { action, path, source }
    }

    pub(crate) fn storage(action: &'static str, offset: u64) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Storage { action, offset, source }
    }

    pub(crate) fn altered(offset: u64, what: impl Into<String>) -> Self {
        Self::Altered { offset, what: what.into() }
    }
}
