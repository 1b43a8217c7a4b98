//! From the cycle to the two copies: the cyclic thread lends out a copy now and then, another thread writes it.

use super::{Copies, Found, Places, Retained, save};
use crate::machine::Machine;
use anyhow::Context;
use std::{
    fs::{File, OpenOptions},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Acquire, Ordering::Release},
    },
    thread::JoinHandle,
    time::Duration,
};

/// Copies on their way; with one in the writer's hands and one waiting, nothing is ever waited for.
const BUFFERS: usize = 2;

/// How often the writer looks.
const LOOK: Duration = Duration::from_millis(20);

/// Looks for a buffer at the end of a run: two seconds.
const LAST_LOOKS_MAX: u32 = 100;

/// The cyclic thread's side.
pub struct Tap {
    places: Arc<Places>,
    free: rtrb::Consumer<Box<[u8]>>,
    full: rtrb::Producer<Box<[u8]>>,
    every: u64,
    left: u64,
}

impl Tap {
    /// Once a cycle: a copy when it is due and a buffer is free. Never waits, never allocates.
    pub fn cycle(&mut self, machine: &Machine) {
        self.left = self.left.saturating_sub(1);
        if self.left == 0 && self.offer(machine) {
            self.left = self.every;
        }
    }

    /// A copy now. False if both buffers are on their way.
    pub fn offer(&mut self, machine: &Machine) -> bool {
        let Ok(mut buffer) = self.free.pop() else { return false };
        save(machine, &self.places, &mut buffer);
        // As many buffers as places: there is always one.
        self.full.push(buffer).is_ok()
    }

    /// What the run ends with. Waits until there is a buffer, as virtual time or a slow disk may have both on their way,
    /// but not for ever: not for the cycle.
    pub fn offer_last(&mut self, machine: &Machine) -> bool {
        for _ in 0..LAST_LOOKS_MAX {
            if self.offer(machine) {
                return true;
            }
            crate::rt::sleep_until(sensai_fieldbus::clock::monotonic_ns() + LOOK.as_nanos() as u64);
        }
        false
    }
}

/// The other side: a thread that writes what has changed.
pub struct Keeper {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<Option<String>>,
}

/// The two files.
pub fn paths(directory: &Path) -> [PathBuf; 2] {
    ["retained.a", "retained.b"].map(|name| directory.join(name))
}

/// Open the copies in `directory`, which is made if it is missing.
///
/// # Errors
/// If the directory or a file cannot be made, opened or read, with its path.
pub fn open(directory: &Path) -> anyhow::Result<(Copies<File>, Found)> {
    std::fs::create_dir_all(directory).with_context(|| format!("cannot make {}", directory.display()))?;
    let open = |path: &PathBuf| {
        let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path);
        file.with_context(|| format!("cannot open {}", path.display()))
    };
    let [a, b] = paths(directory);
    let files = [open(&a)?, open(&b)?];
    // The names themselves have to survive a power failure too.
    File::open(directory).and_then(|directory| directory.sync_all()).ok();
    Copies::open(files).with_context(|| format!("cannot read the retained data in {}", directory.display()))
}

impl Keeper {
    /// Write what comes through the returned tap, at most once in `every` cycles, and only what has changed: flash wears out.
    ///
    /// # Errors
    /// If no thread can be made.
    pub fn start(
        mut copies: Copies<File>,
        last: Option<Vec<u8>>,
        places: Places,
        every: u64,
    ) -> std::io::Result<(Self, Tap)> {
        let places = Arc::new(places);
        let (mut free_in, free) = rtrb::RingBuffer::<Box<[u8]>>::new(BUFFERS);
        let (full, mut full_out) = rtrb::RingBuffer::<Box<[u8]>>::new(BUFFERS);
        for _ in 0..BUFFERS {
            let _ = free_in.push(vec![0; places.len()].into());
        }
        let stop = Arc::new(AtomicBool::new(false));
        let thread = {
            let (stop, places) = (Arc::clone(&stop), Arc::clone(&places));
            std::thread::Builder::new().name("retained".into()).spawn(move || {
                crate::rt::block_signals();
                let (mut last, mut trouble) = (last, None);
                loop {
                    let ending = stop.load(Acquire);
                    while let Ok(buffer) = full_out.pop() {
                        let payload = Retained::from_saved(&places, &buffer).to_bytes();
                        let _ = free_in.push(buffer);
                        if last.as_deref() == Some(&payload) {
                            continue;
                        }
                        match copies.write(&payload) {
                            Ok(()) => (last, trouble) = (Some(payload), None),
                            Err(error) => trouble = Some(error.to_string()),
                        }
                    }
                    if ending {
                        return trouble;
                    }
                    std::thread::sleep(LOOK);
                }
            })?
        };
        let every = every.max(1);
        Ok((Self { stop, thread }, Tap { places, free, full, every, left: every }))
    }

    /// Write what is still on its way, and end. What could not be written, in a sentence.
    pub fn finish(self) -> Option<String> {
        self.stop.store(true, Release);
        self.thread.join().unwrap_or_else(|_| Some("the thread that keeps the retained data panicked".into()))
    }
}
