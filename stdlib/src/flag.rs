//! A boolean whose every byte is defined.

use bytemuck::{Pod, Zeroable};

/// A `bool` inside a block's state: one byte, 0 or 1. Any other byte (from a damaged keyframe) reads as true.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Pod, Zeroable)]
#[repr(transparent)]
pub struct Flag(u8);

impl Flag {
    /// Its value.
    pub const fn get(self) -> bool {
        self.0 != 0
    }

    /// Give it a value.
    pub const fn set(&mut self, value: bool) {
        self.0 = value as u8;
    }
}

impl From<bool> for Flag {
    fn from(value: bool) -> Self {
        Self(u8::from(value))
    }
}
