//! The interpreter tier and the check, through their public face.

mod design;
mod errors;
mod findings;
mod hostile;
mod operators;
mod press;
mod states;
mod support;
mod tags;
mod twin;
