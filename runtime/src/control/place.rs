//! Where the socket is, and whose it is.
//!
//! A lock file beside the socket tells a running process from a dead one: the kernel gives the lock back whatever way a
//! process ends. So a socket file without a lock is a leftover, and is replaced.

use crate::control::peer::group_id;
use rustix::fs::{FlockOperation, chown, flock};
use std::{
    ffi::OsString,
    fs::{self, File},
    io::{self, Read, Seek, Write},
    os::unix::{
        fs::{DirBuilderExt, FileTypeExt, OpenOptionsExt, PermissionsExt},
        net::UnixListener,
    },
    path::{Path, PathBuf},
};

/// Folders in which sockets may be, the most particular one first. None of them need exist.
pub fn folders() -> Vec<PathBuf> {
    let own = std::env::var_os("XDG_RUNTIME_DIR").filter(|folder| !folder.is_empty());
    let own = own.map(|folder| PathBuf::from(folder).join("sensai"));
    own.into_iter().chain([PathBuf::from("/run/sensai")]).collect()
}

/// Name of a cell's socket in one of [`folders`].
pub fn file_name(cell: &str) -> String {
    let plain = |letter: char| {
        if letter.is_ascii_alphanumeric() || "-_.".contains(letter) { letter } else { '_' }
    };
    format!("{}.sock", cell.chars().map(plain).collect::<String>())
}

/// Where a runtime of this cell listens unless it is told otherwise.
pub fn default_path(cell: &str) -> PathBuf {
    let folder = folders().into_iter().next().unwrap_or_else(|| "/run/sensai".into());
    folder.join(file_name(cell))
}

/// Why there is no socket.
#[derive(Debug, thiserror::Error)]
pub enum PlaceError {
    /// Another runtime listens there.
    #[error(
        "another runtime{} listens at {}; end it first, or give this one its own place with --control PATH",
        .process.map_or(String::new(), |process| format!(" (process {process})")), .path.display()
    )]
    Taken {
        /// Where.
        path: PathBuf,
        /// Its process, if it says.
        process: Option<u32>,
    },
    /// There is something else at this path.
    #[error("{} is there and is no socket; name another path with --control PATH", .0.display())]
    NotASocket(PathBuf),
    /// The group does not exist.
    #[error("there is no group `{0}` for the control socket")]
    NoSuchGroup(String),
    /// The system refused something.
    #[error("cannot {what} {}: {error}", .path.display())]
    System {
        /// What.
        what: &'static str,
        /// With what.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
}

/// A socket that is this process's own until it is dropped.
#[derive(Debug)]
pub struct Place {
    path: PathBuf,
    /// Holds the lock.
    _lock: File,
}

/// Listen at `path`. Only the owner may open the socket, and `group`, if one is named.
///
/// # Errors
/// See [`PlaceError`].
pub fn claim(path: &Path, group: Option<&str>) -> Result<(Place, UnixListener), PlaceError> {
    let system = |what| {
        let path = path.to_owned();
        move |error| PlaceError::System { what, path, error }
    };
    let group = match group {
        None => None,
        Some(name) => Some(group_id(name).ok_or_else(|| PlaceError::NoSuchGroup(name.into()))?),
    };
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty() && !folder.exists()) {
        // Others may pass through the folder: who may use a socket in it, the socket's own rights say.
        let made = fs::DirBuilder::new().recursive(true).mode(0o755).create(folder);
        made.map_err(system("make the folder of"))?;
    }
    let lock = lock(path)?;
    match fs::symlink_metadata(path) {
        Ok(there) if !there.file_type().is_socket() => return Err(PlaceError::NotASocket(path.into())),
        _ => {}
    }
    // Made under another name: at its own it appears with its final rights, or not at all.
    let fresh = with_suffix(path, ".new");
    let _ = fs::remove_file(&fresh);
    let listener = UnixListener::bind(&fresh).map_err(system("listen at"))?;
    let mode = if group.is_some() { 0o660 } else { 0o600 };
    let placed = fs::set_permissions(&fresh, fs::Permissions::from_mode(mode))
        .and_then(|()| group.map_or(Ok(()), |group| give(&fresh, group)))
        .and_then(|()| fs::rename(&fresh, path))
        .and_then(|()| listener.set_nonblocking(true));
    if placed.is_err() {
        let _ = fs::remove_file(&fresh);
    }
    placed.map_err(system("set up"))?;
    Ok((Place { path: path.into(), _lock: lock }, listener))
}

fn give(path: &Path, group: u32) -> io::Result<()> {
    chown(path, None, Some(rustix::fs::Gid::from_raw(group))).map_err(Into::into)
}

fn lock(path: &Path) -> Result<File, PlaceError> {
    let at = with_suffix(path, ".lock");
    let system = |what, error| PlaceError::System { what, path: at.clone(), error };
    let mut options = fs::OpenOptions::new();
    let opened = options.read(true).write(true).create(true).truncate(false).mode(0o600).open(&at);
    let mut file = opened.map_err(|error| system("open", error))?;
    if let Err(error) = flock(&file, FlockOperation::NonBlockingLockExclusive) {
        if error != rustix::io::Errno::WOULDBLOCK {
            return Err(system("lock", error.into()));
        }
        let mut text = String::new();
        let _ = file.take(20).read_to_string(&mut text);
        return Err(PlaceError::Taken { path: path.into(), process: text.trim().parse().ok() });
    }
    let noted =
        file.set_len(0).and_then(|()| file.rewind()).and_then(|()| writeln!(file, "{}", std::process::id()));
    noted.map_err(|error| system("write", error))?;
    Ok(file)
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(suffix);
    name.into()
}

impl Place {
    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        // The lock file stays: taking it away could take away the lock of the next one.
        let _ = fs::remove_file(&self.path);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::net::UnixStream;

    #[test]
    fn only_the_owner_may_open_it_and_it_goes_with_its_process() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deeper/cell.sock");
        let (place, _listener) = claim(&path, None).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        let folder_mode = fs::metadata(path.parent().unwrap()).unwrap().permissions().mode();
        assert_eq!(folder_mode & 0o022, 0, "nobody else puts anything into the folder");
        UnixStream::connect(&path).unwrap();
        assert_eq!(place.path(), path);
        drop(place);
        assert!(!path.exists());
    }

    #[test]
    fn a_group_may_be_let_in() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("cell.sock");
        let group = rustix::process::getgid().as_raw().to_string();
        let (_place, _listener) = claim(&path, Some(&group)).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o660);
        let error = claim(&path, Some("no such group")).unwrap_err().to_string();
        assert_eq!(error, "there is no group `no such group` for the control socket");
    }

    #[test]
    fn a_second_runtime_is_refused_and_a_dead_ones_socket_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("cell.sock");
        let (first, listener) = claim(&path, None).unwrap();
        let error = claim(&path, None).unwrap_err().to_string();
        assert!(error.contains(&format!("(process {})", std::process::id())), "{error}");
        // As a killed process leaves it: the socket is there, the lock is not.
        let left = fs::canonicalize(&path).unwrap();
        std::mem::forget(listener);
        let Place { _lock: lock, .. } = &first;
        flock(lock, FlockOperation::Unlock).unwrap();
        let (second, _listener) = claim(&left, None).unwrap();
        UnixStream::connect(second.path()).unwrap();
    }

    #[test]
    fn nothing_else_is_ever_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notes.txt");
        fs::write(&path, "notes").unwrap();
        assert!(claim(&path, None).unwrap_err().to_string().contains("is no socket"));
        assert_eq!(fs::read_to_string(&path).unwrap(), "notes");
    }

    #[test]
    fn a_cells_name_cannot_leave_the_folder() {
        assert_eq!(file_name("press-cell"), "press-cell.sock");
        assert_eq!(file_name("../プレス 1"), ".._____1.sock");
    }

    #[test]
    fn a_path_that_is_too_long_is_said() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x".repeat(120));
        let error = claim(&path, None).unwrap_err().to_string();
        assert!(error.contains("cannot listen at"), "{error}");
    }
}
