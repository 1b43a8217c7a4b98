//! The directory: files that are there as a whole or not at all, and not more of them than were asked for.

use super::Document;
use anyhow::Context;
use sha2::{Digest, Sha256};
use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{Read, Write},
    path::{Path, PathBuf},
};

/// Events that are kept.
pub const COUNT_MAX: usize = 100;
/// Bytes that are kept, whatever the number of events; the newest one is kept in any case.
pub const BYTES_MAX: u64 = 2 << 30;

/// Ending of a file that is being written.
const PART: &str = "part";

/// See the module.
#[derive(Clone, Debug)]
pub struct Shelf {
    directory: PathBuf,
    /// Snapshots kept, see `COUNT_MAX`.
    pub count_max: usize,
    /// Bytes kept, see `BYTES_MAX`.
    pub bytes_max: u64,
}

/// Files of one event: cycle, number, stem.
type Key = (u64, u64, String);

impl Shelf {
    /// Beside the log at `log`. Nothing is made before there is an event.
    pub fn beside(log: &Path) -> Self {
        let mut name = log.as_os_str().to_owned();
        name.push(".jidoka");
        Self { directory: name.into(), count_max: COUNT_MAX, bytes_max: BYTES_MAX }
    }

    /// Where it is.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// Write the small file, in place of the one that is there.
    ///
    /// # Errors
    /// If it cannot be written, with its path.
    pub fn put(&self, document: &Document) -> anyhow::Result<()> {
        let text = serde_json::to_string_pretty(document)? + "\n";
        let (path, part) = self.paths(&document.stem(), "json")?;
        let write = || -> std::io::Result<()> {
            let mut file = File::create(&part)?;
            file.write_all(text.as_bytes())?;
            file.sync_all()
        };
        write().with_context(|| format!("cannot write {}", part.display()))?;
        self.name(&part, &path)
    }

    /// Let `write` write the cut log of an event into an empty file. Returns its name and SHA-256, and what `write` does.
    ///
    /// # Errors
    /// If it cannot be written; then it is not there.
    pub fn put_log<T>(
        &self,
        stem: &str,
        write: impl FnOnce(File) -> anyhow::Result<T>,
    ) -> anyhow::Result<(String, String, T)> {
        let (path, part) = self.paths(stem, "snlog")?;
        let file = File::options().read(true).write(true).create(true).truncate(true).open(&part);
        let file = file.with_context(|| format!("cannot make {}", part.display()))?;
        let written = write(file).and_then(|done| Ok((hash(&part)?, done)));
        let (sha256, done) = written.inspect_err(|_| {
            // Half a log helps nobody. If it cannot be removed either, the first error is the one to tell.
            let _ = fs::remove_file(&part);
        })?;
        self.name(&part, &path)?;
        Ok((format!("{stem}.snlog"), sha256, done))
    }

    fn paths(&self, stem: &str, ending: &str) -> anyhow::Result<(PathBuf, PathBuf)> {
        fs::create_dir_all(&self.directory)
            .with_context(|| format!("cannot make {}", self.directory.display()))?;
        let path = self.directory.join(format!("{stem}.{ending}"));
        Ok((path.clone(), path.with_extension(format!("{ending}.{PART}"))))
    }

    fn name(&self, part: &Path, path: &Path) -> anyhow::Result<()> {
        fs::rename(part, path).with_context(|| format!("cannot name {}", path.display()))?;
        // The name itself has to survive a power failure too; where that cannot be asked for, it mostly does.
        File::open(&self.directory).and_then(|directory| directory.sync_all()).ok();
        Ok(())
    }

    /// Remove what was being written when a run was killed, and the oldest events beyond what is to be kept. Files with
    /// other names are nobody's business.
    pub fn tidy(&self) {
        let mut events: BTreeMap<Key, (u64, Vec<PathBuf>)> = BTreeMap::new();
        for entry in fs::read_dir(&self.directory).into_iter().flatten().flatten() {
            let path = entry.path();
            let Some((key, ending)) = path.file_name().and_then(|name| key(name.to_str()?)) else { continue };
            if ending.ends_with(PART) {
                let _ = fs::remove_file(&path);
                continue;
            }
            let (bytes, files) = events.entry(key).or_default();
            *bytes += entry.metadata().map_or(0, |facts| facts.len());
            files.push(path);
        }
        let mut bytes = 0_u64;
        for (place, (_, (size, files))) in events.iter().rev().enumerate() {
            bytes = bytes.saturating_add(*size);
            if place > 0 && (place >= self.count_max || bytes > self.bytes_max) {
                // One that cannot be removed is tried again with the next event.
                files.iter().for_each(|path| drop(fs::remove_file(path)));
            }
        }
    }
}

/// `3-stroke-81250.snlog`: cycle, number, stem; and the ending.
fn key(name: &str) -> Option<(Key, &str)> {
    let (stem, ending) = name.split_once('.')?;
    let known = ["json", "snlog", "json.part", "snlog.part"].contains(&ending);
    let (number, rest) = stem.split_once('-').filter(|_| known)?;
    let (_, cycle) = rest.rsplit_once('-')?;
    Some(((cycle.parse().ok()?, number.parse().ok()?, stem.to_owned()), ending))
}

fn hash(path: &Path) -> anyhow::Result<String> {
    let mut file = File::open(path).with_context(|| format!("cannot read {}", path.display()))?;
    let (mut hash, mut buffer) = (Sha256::new(), vec![0; 1 << 16]);
    loop {
        match file.read(&mut buffer).with_context(|| format!("cannot read {}", path.display()))? {
            0 => return Ok(sensai_log::block::hex(&hash.finalize())),
            len => hash.update(&buffer[..len]),
        }
    }
}
