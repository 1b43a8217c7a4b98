//! Our parser, held against Rhai's.

mod corpus;
mod examples;
