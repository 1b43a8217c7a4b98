//! `--watch`: a reload whenever a program's file changes.
//!
//! Looks at the files' times, and reads what seems to have changed; a file that has another text is asked to be reloaded once it
//! has been the same for two looks, so that an editor may write it in two steps. Polling needs no more than reading: it works on
//! every file system, and a dropped notice is no worry.
//!
//! A library that appears is a change, too: a program that imports it may have been refused for its lack.

use super::{
    desk::{Answer, Applied, Request},
    plan,
};
use crate::{control::peer::Peer, libraries, rt};
use sha2::{Digest, Sha256};
use std::{
    collections::BTreeMap,
    fs,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Acquire, Ordering::Release},
        mpsc,
    },
    thread::JoinHandle,
    time::Duration,
};

/// Between two looks.
const LOOK: Duration = Duration::from_millis(200);

/// Files that are watched at most.
const FILES_MAX: usize = 1024;

/// What a file looks like from outside: when it was changed, in seconds and nanoseconds, and its length.
type Stamp = Option<(i64, i64, u64)>;

/// A watched file.
struct Watched {
    path: PathBuf,
    stamp: Stamp,
    /// Of the text that was last asked to be reloaded, or that the run began with.
    hash: [u8; 32],
    /// Of the text at the last look.
    seen: [u8; 32],
}

/// The thread. Dropping it ends it.
pub struct Watch {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Watch {
    /// Watch `files` (path below `directory`, bytes that run) and ask for reloads. The desk tells what comes of them.
    ///
    /// # Errors
    /// If no thread can be made.
    pub fn start(
        directory: &Path,
        files: BTreeMap<String, Vec<u8>>,
        probation: u64,
        requests: mpsc::Sender<Request>,
    ) -> std::io::Result<Self> {
        let watched = |(path, bytes): (String, Vec<u8>)| {
            let hash = Sha256::digest(&bytes).into();
            Watched { path: directory.join(path), stamp: None, hash, seen: hash }
        };
        let mut files: Vec<Watched> = files.into_iter().map(watched).collect();
        for path in new_libraries(directory, &files) {
            // Nobody imports it yet.
            let hash = fs::read(&path).map_or([0; 32], |bytes| Sha256::digest(&bytes).into());
            files.push(Watched { path, stamp: None, hash, seen: hash });
        }
        let directory = directory.to_path_buf();
        let stop = Arc::new(AtomicBool::new(false));
        let ended = Arc::clone(&stop);
        let thread = std::thread::Builder::new().name("watch".into()).spawn(move || {
            rt::block_signals();
            while !ended.load(Acquire) {
                std::thread::park_timeout(LOOK);
                let appeared = new_libraries(&directory, &files).into_iter();
                files.extend(appeared.map(|path| Watched {
                    path,
                    stamp: None,
                    hash: [0; 32],
                    seen: [0; 32],
                }));
                if look(&mut files) {
                    let (reply, answer) = mpsc::channel();
                    let why = "a file has changed".into();
                    let (who, words) = (Peer::own(), Some(words as fn(&Answer) -> String));
                    let request = Request { program: None, probation, why, who, words, reply };
                    if requests.send(request).is_err() {
                        return;
                    }
                    // One after the other. The desk answers in any case, or is gone.
                    let _ = answer.recv();
                }
            }
        })?;
        Ok(Self { stop, thread: Some(thread) })
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.stop.store(true, Release);
        if let Some(thread) = self.thread.take() {
            thread.thread().unpark();
            let _ = thread.join();
        }
    }
}

/// Libraries of the cell that are not watched, in the order of their names.
fn new_libraries(directory: &Path, files: &[Watched]) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory.join(libraries::FOLDER)).into_iter().flatten().flatten();
    let is_new = |path: &PathBuf| {
        path.extension().is_some_and(|of| of == "rhai") && files.iter().all(|file| file.path != *path)
    };
    let mut new: Vec<PathBuf> = entries.map(|entry| entry.path()).filter(is_new).collect();
    new.sort();
    new.truncate(FILES_MAX.saturating_sub(files.len()));
    new
}

/// Some file has had another text for two looks.
fn look(files: &mut [Watched]) -> bool {
    let mut changed = false;
    for file in files {
        let stamp = fs::metadata(&file.path).ok().map(|of| (of.mtime(), of.mtime_nsec(), of.len()));
        let settled = stamp.is_some() && stamp == file.stamp;
        if settled && file.seen == file.hash {
            continue;
        }
        file.stamp = stamp;
        // One that is not there now may be on its way.
        let Ok(bytes) = fs::read(&file.path) else { continue };
        let seen: [u8; 32] = Sha256::digest(&bytes).into();
        let stays = seen == file.seen;
        file.seen = seen;
        if seen != file.hash && stays {
            file.hash = seen;
            changed = true;
        }
    }
    changed
}

fn words(answer: &Answer) -> String {
    match answer {
        Ok(Applied { notes, number, programs, .. }) => {
            let notes = notes.iter().map(|note| format!("\n  {note}")).collect::<String>();
            format!("watch: reload {number} of {} was taken{notes}", programs.join(", "))
        }
        // As behind an undo, when the bad text is taken back.
        Err(failure) if failure.message == plan::NOTHING => {
            "watch: nothing to reload: the files hold the programs that run".into()
        }
        Err(failure) => format!("watch: not reloaded, the programs before it run on: {failure}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn libraries_that_appear_are_found_by_name() {
        let folder = tempfile::tempdir().unwrap();
        assert!(new_libraries(folder.path(), &[]).is_empty(), "there is no folder of libraries");
        let lib = folder.path().join("lib");
        fs::create_dir(&lib).unwrap();
        for name in ["ramp.rhai", "motion.rhai", "notes.txt"] {
            fs::write(lib.join(name), "fn one() { 1 }\n").unwrap();
        }
        let (motion, ramp) = (lib.join("motion.rhai"), lib.join("ramp.rhai"));
        assert_eq!(new_libraries(folder.path(), &[]), [motion.clone(), ramp.clone()]);
        let mut files = vec![Watched { path: motion, stamp: None, hash: [0; 32], seen: [0; 32] }];
        assert_eq!(new_libraries(folder.path(), &files), [ramp]);
        assert!(!look(&mut files), "it may still be written");
        assert!(look(&mut files), "one that appeared is a change");
    }

    #[test]
    fn a_change_is_seen_once_it_has_settled_and_once() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.rhai");
        fs::write(&path, "one").unwrap();
        let hash = Sha256::digest("one").into();
        let mut files = [Watched { path: path.clone(), stamp: None, hash, seen: hash }];
        assert!(!look(&mut files) && !look(&mut files));
        fs::write(&path, "two, half writ").unwrap();
        assert!(!look(&mut files));
        fs::write(&path, "two, written").unwrap();
        assert!(!look(&mut files));
        assert!(look(&mut files));
        assert!(!look(&mut files));
        fs::remove_file(&path).unwrap();
        assert!(!look(&mut files) && !look(&mut files));
        fs::write(&path, "two, written").unwrap();
        assert!(!look(&mut files) && !look(&mut files), "it came back as it was");
        fs::write(&path, "one").unwrap();
        assert!(!look(&mut files));
        assert!(look(&mut files), "the first text again is another one than the last");
    }
}
