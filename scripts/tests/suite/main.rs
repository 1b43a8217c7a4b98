//! The interpreter tier and the check, through their public face.

mod axes;
mod costs;
mod design;
mod docs;
mod errors;
mod examples;
mod findings;
mod forwarding;
mod habits;
mod hostile;
mod libraries;
mod migrator;
mod models;
mod operators;
mod page;
mod pages;
mod press;
mod states;
mod station;
mod support;
mod tags;
mod twin;
mod types;
mod units;
