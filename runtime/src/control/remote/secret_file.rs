//! Files that only their owner may read: keys, tokens. One that others can read is refused, not mended: whoever could read
//! it may have done so.

use rustix::fs::{FlockOperation, flock};
use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read, Write},
    os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

/// Why a file is not used.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// Others may get at it.
    #[error(
        "{} may be {} by others (mode {mode:04o}, expected {wanted:04o}): `chmod {wanted:o} {}`; if others use this computer, \
         make what is in it anew", .path.display(), .how, .path.display()
    )]
    Open {
        /// The file.
        path: PathBuf,
        /// What others may do.
        how: &'static str,
        /// Its mode.
        mode: u32,
        /// What it should be.
        wanted: u32,
    },
    /// It is not this user's.
    #[error("{} belongs to the user {owner}, expected {user}: `chown {user} {}`", .path.display(), .path.display())]
    Owner {
        /// The file.
        path: PathBuf,
        /// Number of its user.
        owner: u32,
        /// Number of this process's user.
        user: u32,
    },
    /// It is longer than any that we write.
    #[error("{} has more than {max} bytes", .path.display())]
    Long {
        /// The file.
        path: PathBuf,
        /// How long it may be.
        max: u64,
    },
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

impl SecretError {
    /// There is no such file.
    pub fn is_missing(&self) -> bool {
        matches!(self, Self::System { error, .. } if error.kind() == io::ErrorKind::NotFound)
    }

    fn system(what: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |error| Self::System { what, path, error }
    }
}

/// All of the file at `path`, at most `max` bytes, if only its owner may read it, who is this user or root.
///
/// # Errors
/// See [`SecretError`].
pub fn read(path: &Path, max: u64) -> Result<Vec<u8>, SecretError> {
    let file = File::open(path).map_err(SecretError::system("open", path))?;
    // Of the file that was opened, whatever is at the path by now.
    let about = file.metadata().map_err(SecretError::system("look at", path))?;
    if !about.is_file() {
        let error = io::Error::new(io::ErrorKind::InvalidInput, "it is no regular file");
        return Err(SecretError::System { what: "read", path: path.into(), error });
    }
    judge(path, &about, 0o600, 0o077, "read")?;
    let mut bytes = Vec::new();
    let read = file.take(max + 1).read_to_end(&mut bytes);
    read.map_err(SecretError::system("read", path))?;
    if bytes.len() as u64 > max {
        return Err(SecretError::Long { path: path.into(), max });
    }
    Ok(bytes)
}

/// Whether only this user, or root, may change what is at `path`, a file or a folder.
///
/// # Errors
/// See [`SecretError`].
pub fn check_unchanged(path: &Path) -> Result<(), SecretError> {
    let about = fs::metadata(path).map_err(SecretError::system("look at", path))?;
    let wanted = if about.is_dir() { 0o700 } else { 0o600 };
    judge(path, &about, wanted, 0o022, "changed")
}

fn judge(
    path: &Path,
    about: &fs::Metadata,
    wanted: u32,
    forbidden: u32,
    how: &'static str,
) -> Result<(), SecretError> {
    let (owner, user) = (about.uid(), rustix::process::geteuid().as_raw());
    if owner != user && owner != 0 {
        return Err(SecretError::Owner { path: path.into(), owner, user });
    }
    let mode = about.mode() & 0o7777;
    if mode & forbidden != 0 {
        return Err(SecretError::Open { path: path.into(), how, mode, wanted });
    }
    Ok(())
}

/// Make the folder at `path`, for this user alone, if it is not there.
///
/// # Errors
/// See [`SecretError`].
pub fn make_folder(path: &Path) -> Result<(), SecretError> {
    let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(path);
    made.map_err(SecretError::system("make", path))
}

/// Put `bytes` at `path` as a whole, or leave what is there. Its mode is `mode` from the first moment on.
///
/// # Errors
/// See [`SecretError`].
pub fn write(path: &Path, bytes: &[u8], mode: u32) -> Result<(), SecretError> {
    let mut name = path.as_os_str().to_owned();
    name.push(".new");
    let fresh = PathBuf::from(name);
    // What an interrupted one left behind.
    let _ = fs::remove_file(&fresh);
    let opened = OpenOptions::new().write(true).create_new(true).mode(mode).open(&fresh);
    let mut file = opened.map_err(SecretError::system("make", &fresh))?;
    let written =
        file.write_all(bytes).and_then(|()| file.sync_all()).and_then(|()| fs::rename(&fresh, path));
    if written.is_err() {
        let _ = fs::remove_file(&fresh);
    }
    written.map_err(SecretError::system("write", path))?;
    // The name itself has to survive a power failure, too.
    if let Some(folder) = path.parent() {
        let _ = File::open(folder).and_then(|folder| folder.sync_all());
    }
    Ok(())
}

/// Nobody else changes anything in the folder at `path` while this lives.
///
/// # Errors
/// See [`SecretError`].
pub fn lock(path: &Path) -> Result<File, SecretError> {
    let folder = File::open(path).map_err(SecretError::system("open", path))?;
    flock(&folder, FlockOperation::LockExclusive).map_err(|error| SecretError::System {
        what: "lock",
        path: path.into(),
        error: error.into(),
    })?;
    Ok(folder)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn what_others_may_read_is_refused_with_the_command_that_mends_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key.pem");
        write(&path, b"secret", 0o600).unwrap();
        assert_eq!(read(&path, 6).unwrap(), b"secret");
        assert_eq!(
            read(&path, 5).unwrap_err().to_string(),
            format!("{} has more than 5 bytes", path.display())
        );
        for mode in [0o640, 0o604, 0o660] {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            let error = read(&path, 6).unwrap_err().to_string();
            let (says, mends) =
                (format!("(mode {mode:04o}, expected 0600)"), format!("`chmod 600 {}`", path.display()));
            assert!(error.contains(&says) && error.contains(&mends), "{error}");
        }
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o770)).unwrap();
        let error = check_unchanged(folder.path()).unwrap_err().to_string();
        assert!(
            error.contains("may be changed by others (mode 0770, expected 0700): `chmod 700 "),
            "{error}"
        );
    }

    #[test]
    fn a_file_is_replaced_as_a_whole_and_nothing_is_left_behind() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tokens.toml");
        write(&path, b"first", 0o600).unwrap();
        // As a process that was killed in the middle leaves it.
        fs::write(folder.path().join("tokens.toml.new"), "half").unwrap();
        write(&path, b"second", 0o600).unwrap();
        assert_eq!(read(&path, 100).unwrap(), b"second");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        assert!(read(&folder.path().join("none"), 1).unwrap_err().is_missing());
        assert!(read(folder.path(), 1).unwrap_err().to_string().contains("it is no regular file"));
    }
}
