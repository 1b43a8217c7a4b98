//! What an EtherCAT SubDevice is made of: identity, SyncManagers, process-data objects, object dictionary.
//!
//! Bytes in, values out. Deliberately absent: sockets, files, threads, clocks, and any knowledge of cells or tags.

pub mod catalogue;
pub mod description;
pub mod dictionary;
pub mod sii;

pub use description::{
    DataType, DeviceDescription, Direction, EntryMatch, EntryPlace, Identity, Mailbox, Object, ObjectAccess,
    ObjectEntry, Pdo, PdoEntry, SyncManager, SyncManagerKind,
};
