//! A program of the machine, and whether another thread may have it.

use sensai_scripts::Program;
use std::ops::{Deref, DerefMut};

/// A program that is ready to run.
pub enum Loaded {
    /// Compiled on the thread that runs it, and staying there: the interpreter's. It cannot be replaced while the machine
    /// runs.
    Here(Box<dyn Program>),
    /// Compiled anywhere.
    Anywhere(Box<dyn Program + Send>),
}

impl Loaded {
    /// Another thread may have it.
    pub const fn is_movable(&self) -> bool {
        matches!(self, Self::Anywhere(_))
    }
}

impl Deref for Loaded {
    type Target = dyn Program;

    fn deref(&self) -> &Self::Target {
        match self {
            Self::Here(program) => &**program,
            Self::Anywhere(program) => &**program,
        }
    }
}

impl DerefMut for Loaded {
    fn deref_mut(&mut self) -> &mut Self::Target {
        match self {
            Self::Here(program) => &mut **program,
            Self::Anywhere(program) => &mut **program,
        }
    }
}

impl From<Box<dyn Program>> for Loaded {
    fn from(program: Box<dyn Program>) -> Self {
        Self::Here(program)
    }
}

impl From<Box<dyn Program + Send>> for Loaded {
    fn from(program: Box<dyn Program + Send>) -> Self {
        Self::Anywhere(program)
    }
}
