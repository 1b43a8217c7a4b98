//! The program that stands where a cell has one that is not under test: it does nothing.

use sensai_scripts::{Layout, Program, ProgramError, RunContext};

/// See the module.
pub struct Idle {
    name: String,
    layout: Layout,
}

impl Idle {
    /// Of this name.
    pub fn new(name: &str) -> Self {
        Self { name: name.to_owned(), layout: Layout::new(Vec::new()) }
    }
}

impl Program for Idle {
    fn name(&self) -> &str {
        &self.name
    }

    fn layout(&self) -> &Layout {
        &self.layout
    }

    fn state(&self) -> &[u8] {
        &[]
    }

    fn restore(&mut self, _state: &[u8]) -> Result<(), ProgramError> {
        Ok(())
    }

    fn reset(&mut self) {}

    fn cycle(&mut self, _context: &mut RunContext<'_>) -> Result<(), ProgramError> {
        Ok(())
    }

    fn operations(&self) -> u64 {
        0
    }
}
