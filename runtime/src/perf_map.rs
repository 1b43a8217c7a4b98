//! Names for the machine code of programs, where `perf` looks for them.
//!
//! `perf` knows nothing of code that was made while the process ran, but reads `/tmp/perf-PID.map`. Nothing is written
//! unless somebody asked, and never from the cycle: programs are added where they are compiled. Code of a program that was
//! replaced keeps its lines, and whatever is mapped there later is named behind them, which is the name that `perf` takes.

use anyhow::Context;
use sensai_scripts::native::NativeProgram;
use std::{
    fs::{self, File},
    io::Write,
    path::PathBuf,
    sync::{Mutex, OnceLock, PoisonError},
};

/// The map of this process; `None` until somebody wants one.
static MAP: OnceLock<Mutex<File>> = OnceLock::new();

/// Begin the map: programs compiled from now on are in it. Gives its path.
///
/// # Errors
/// If the file cannot be made.
pub fn begin() -> anyhow::Result<PathBuf> {
    // The place is `perf`'s, whatever the directory for temporary files is.
    let path = PathBuf::from(format!("/tmp/perf-{}.map", std::process::id()));
    // Whatever is there is of an earlier process, or a link that somebody else put there.
    let _ = fs::remove_file(&path);
    let file = File::create_new(&path).with_context(|| format!("cannot write {}", path.display()))?;
    let _ = MAP.set(Mutex::new(file));
    Ok(path)
}

/// Name the code of a program, if there is a map.
pub fn add(program: &NativeProgram) {
    let Some(map) = MAP.get() else { return };
    let mut file = map.lock().unwrap_or_else(PoisonError::into_inner);
    // A profile with fewer names is no reason to stop a machine.
    let _ = file.write_all(program.perf_map().as_bytes());
}
