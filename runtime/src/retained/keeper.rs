//! From the cycle to the two copies: the cyclic thread lends out a copy now and then, another thread writes it.

use super::{Copies, Found, Places, Retained, save};
use crate::machine::Machine;
use anyhow::Context;
use sensai_model::Cell;
use sensai_scripts::Layout;
use std::{
    fs::{File, OpenOptions},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Acquire, Ordering::Release},
        mpsc,
    },
    thread::JoinHandle,
    time::Duration,
};

/// Copies on their way; with one in the writer's hands and one waiting, nothing is ever waited for.
const BUFFERS: usize = 2;

/// Editions of programs that copies on their way may be of, or that may come back.
const EDITIONS: usize = 8;

/// How often the writer looks.
const LOOK: Duration = Duration::from_millis(20);

/// Looks for a buffer at the end of a run: two seconds.
const LAST_LOOKS_MAX: u32 = 100;

/// A copy on its way.
struct Copied {
    /// Room for it; the copy comes first.
    buffer: Box<[u8]>,
    /// Bytes of it; `None`: there was not enough room.
    len: Option<usize>,
    /// Edition of the programs that it is of.
    edition: u32,
}

/// The cyclic thread's side.
pub struct Tap {
    free: rtrb::Consumer<Copied>,
    full: rtrb::Producer<Copied>,
    every: u64,
    left: u64,
}

/// Tells the keeper what the retained data of other programs looks like, before there is any.
#[derive(Clone)]
pub struct Announcer {
    cell: Arc<Cell>,
    sender: mpsc::Sender<(u32, Places)>,
}

impl Announcer {
    /// Programs of this edition have these names and layouts.
    pub fn announce(&self, edition: u32, programs: Vec<(String, Layout)>) {
        let programs = programs.iter().map(|(name, layout)| (name.as_str(), layout));
        // Nobody is there any more at the end of a run.
        let _ = self.sender.send((edition, Places::of(&self.cell, programs)));
    }
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
        let Ok(mut copied) = self.free.pop() else { return false };
        copied.len = save(machine, &mut copied.buffer);
        copied.edition = machine.edition();
        let done = copied.len.is_some();
        // As many buffers as places: there is always one. One that is too small is replaced on the other side.
        self.full.push(copied).is_ok() && done
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
    announcer: Announcer,
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
        cell: &Arc<Cell>,
        places: Places,
        every: u64,
    ) -> std::io::Result<(Self, Tap)> {
        let (mut free_in, free) = rtrb::RingBuffer::new(BUFFERS);
        let (full, mut full_out) = rtrb::RingBuffer::<Copied>::new(BUFFERS);
        for _ in 0..BUFFERS {
            let _ = free_in.push(Copied { buffer: vec![0; places.len()].into(), len: None, edition: 0 });
        }
        let (sender, announced) = mpsc::channel();
        let stop = Arc::new(AtomicBool::new(false));
        let thread = {
            let stop = Arc::clone(&stop);
            std::thread::Builder::new().name("retained".into()).spawn(move || {
                crate::rt::block_signals();
                let (mut last, mut trouble) = (last, None);
                let mut known = vec![(0, places)];
                loop {
                    let ending = stop.load(Acquire);
                    while let Ok(mut copied) = full_out.pop() {
                        // What a copy is of was announced before there could be one.
                        known.extend(announced.try_iter());
                        known.drain(..known.len().saturating_sub(EDITIONS));
                        let of = known.iter().rfind(|(edition, _)| *edition == copied.edition);
                        let payload = of.and_then(|(_, places)| {
                            let saved = copied.buffer.get(..copied.len?)?;
                            Some(Retained::from_saved(places, saved).to_bytes())
                        });
                        let wanted = known.iter().map(|(_, places)| places.len()).max().unwrap_or(0);
                        if wanted > copied.buffer.len() {
                            copied.buffer = vec![0; wanted].into();
                        }
                        let _ = free_in.push(copied);
                        let Some(payload) = payload else { continue };
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
        let announcer = Announcer { cell: Arc::clone(cell), sender };
        Ok((Self { stop, thread, announcer }, Tap { free, full, every, left: every }))
    }

    /// For whoever changes the programs.
    pub fn announcer(&self) -> Announcer {
        self.announcer.clone()
    }

    /// Write what is still on its way, and end. What could not be written, in a sentence.
    pub fn finish(self) -> Option<String> {
        self.stop.store(true, Release);
        self.thread.join().unwrap_or_else(|_| Some("the thread that keeps the retained data panicked".into()))
    }
}
