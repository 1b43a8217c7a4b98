//! Texts of the editor over the files on disk.

use std::{
    collections::BTreeMap,
    fs,
    io::Read,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, UNIX_EPOCH},
};

/// Bytes of a file or document that are looked at.
pub const FILE_MAX: usize = 16 << 20;

/// Bytes of all open documents together.
const OPEN_MAX: usize = 256 << 20;

/// An open document.
#[derive(Clone, Debug)]
pub struct Document {
    /// How the editor writes its path; it wants to hear it written the same way.
    pub uri: String,
    /// The editor's number of the text.
    pub version: i32,
    /// Its text; none: it is longer than what is looked at, by that many bytes.
    pub text: Result<Arc<str>, usize>,
}

/// What was read from disk, and when.
#[derive(Clone, Debug)]
struct OnDisk {
    stamp: (Option<Duration>, u64),
    bytes: Arc<[u8]>,
}

/// All files that the server looks at.
#[derive(Debug, Default)]
pub struct Files {
    open: BTreeMap<PathBuf, Document>,
    disk: BTreeMap<PathBuf, OnDisk>,
}

impl Files {
    /// Open documents.
    pub fn open(&self) -> impl Iterator<Item = (&PathBuf, &Document)> {
        self.open.iter()
    }

    /// The open document of a path.
    pub fn document(&self, path: &Path) -> Option<&Document> {
        self.open.get(path)
    }

    /// Take in the text of a document.
    pub fn set(&mut self, path: PathBuf, uri: String, version: i32, text: String) {
        let others = self.open.iter().filter(|(of, _)| **of != path);
        let all: usize =
            others.map(|(_, document)| document.text.as_ref().map_or(0, |text| text.len())).sum();
        let fits = text.len() <= FILE_MAX && all + text.len() <= OPEN_MAX;
        let text = if fits { Ok(Arc::from(text)) } else { Err(text.len()) };
        self.open.insert(path, Document { uri, version, text });
    }

    /// A document is no longer open.
    pub fn close(&mut self, path: &Path) {
        self.open.remove(path);
    }

    /// Forget what was read below a folder that nothing is open of.
    pub fn forget(&mut self, folder: &Path) {
        self.disk.retain(|path, _| !path.starts_with(folder));
    }

    /// Bytes of a file: those of the editor, or of the disk.
    pub fn read(&mut self, path: &Path) -> Result<Arc<[u8]>, String> {
        if let Some(document) = self.open.get(path) {
            return match &document.text {
                Ok(text) => Ok(Arc::from(text.as_bytes())),
                Err(len) => Err(format!("it has {len} bytes, at most {FILE_MAX} are looked at")),
            };
        }
        let found = fs::metadata(path).map_err(|error| error.to_string());
        let found = found.and_then(|found| match found.is_file() {
            true => Ok(found),
            false => Err("it is no file".to_owned()),
        });
        let found = match found {
            Ok(found) => found,
            Err(error) => {
                self.disk.remove(path);
                return Err(error);
            }
        };
        let stamp = (found.modified().ok().and_then(|at| at.duration_since(UNIX_EPOCH).ok()), found.len());
        if let Some(known) = self.disk.get(path).filter(|known| known.stamp == stamp) {
            return Ok(Arc::clone(&known.bytes));
        }
        let file = fs::File::open(path).map_err(|error| error.to_string())?;
        let mut bytes = Vec::new();
        let most = FILE_MAX as u64 + 1;
        file.take(most).read_to_end(&mut bytes).map_err(|error| error.to_string())?;
        if bytes.len() > FILE_MAX {
            return Err(format!("it has {} bytes, at most {FILE_MAX} are looked at", found.len()));
        }
        let bytes: Arc<[u8]> = bytes.into();
        self.disk.insert(path.to_owned(), OnDisk { stamp, bytes: Arc::clone(&bytes) });
        Ok(bytes)
    }

    /// True if there is a file, in the editor or on disk.
    pub fn exists(&self, path: &Path) -> bool {
        self.open.contains_key(path) || path.is_file()
    }
}
