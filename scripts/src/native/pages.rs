//! Memory that code runs in: written, then made executable, never both at once; given back when it is dropped.

use memmap2::{Mmap, MmapMut};

/// Code that can run.
#[derive(Debug)]
pub(super) struct Pages {
    map: Mmap,
}

impl Pages {
    /// # Errors
    /// If the system gives no memory, or does not let code run in it.
    pub fn new(code: &[u8]) -> std::io::Result<Self> {
        let mut map = MmapMut::map_anon(code.len().max(1))?;
        if let Some(room) = map.get_mut(..code.len()) {
            room.copy_from_slice(code);
        }
        synchronize(&map);
        Ok(Self { map: map.make_exec()? })
    }

    /// The code's first byte, and how many there are.
    pub fn code(&self) -> &[u8] {
        &self.map
    }
}

/// Let what was written be seen as instructions.
#[cfg(target_arch = "aarch64")]
#[allow(unsafe_code, reason = "instructions for caches have no wrapper")]
fn synchronize(code: &[u8]) {
    use std::arch::asm;
    // Lines of 16 bytes: no processor has smaller ones, and cleaning a line twice does no harm.
    for line in code.chunks(16) {
        // SAFETY: cleans the cache line of memory that is ours; changes no register and no memory.
        unsafe { asm!("dc cvau, {0}", in(reg) line.as_ptr()) };
    }
    // SAFETY: a barrier.
    unsafe { asm!("dsb ish") };
    for line in code.chunks(16) {
        // SAFETY: as above, for the instructions.
        unsafe { asm!("ic ivau, {0}", in(reg) line.as_ptr()) };
    }
    // SAFETY: barriers.
    unsafe { asm!("dsb ish", "isb") };
}

/// Let what was written be seen as instructions: this processor does so by itself.
#[cfg(not(target_arch = "aarch64"))]
fn synchronize(_code: &[u8]) {}
