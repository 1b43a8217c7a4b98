//! What a cell *is*: devices, tags, tasks, values, quality, faults, and the layout of a cycle record.
//!
//! Pure. Deliberately absent: files, sockets, threads, clocks, scripts.

pub mod cell;
pub mod config;
pub mod fault;
pub mod image;
pub mod packml;
pub mod record;
pub mod store;
pub mod tag;
pub mod unit;
pub mod value;

pub use cell::Cell;
pub use fault::{Fault, FaultCode};
pub use image::{BitField, RawType};
pub use store::{RawTags, TagStore};
pub use tag::{Tag, TagKind};
pub use unit::Unit;
pub use value::{ScalarType, Value};
