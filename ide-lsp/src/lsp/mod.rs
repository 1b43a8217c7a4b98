//! The only place that knows LSP types.

pub mod capabilities;
pub mod from_proto;
pub mod position;
pub mod to_proto;
mod uri;

pub use uri::{path_of, uri_of};
