//! The control socket over a network: TLS 1.3 and a token, or nothing.
//!
//! Off unless `sensai run --listen` names an address. The cell's files have no word of it: which address a machine has, and
//! who may connect, belongs to the computer, and the hash of a cell must not change with it.
//!
//! At the machine: [`directory`] holds the key, the certificate and the list of [`token`]s; [`keeper`] reads that list again
//! whenever somebody comes, so that a token that was revoked opens nothing; [`gate`] takes connections in, bounded in number,
//! bytes, time and pace, and hands over those that have shown a token. Nothing of this is ever called by the cyclic thread.
//! At the other end: [`dial`] connects, and knows the machine by its certificate; [`hosts`] remembers which.
//!
//! Deliberately absent: plain text, older versions of TLS, resumed sessions, early data, passwords.

pub mod dial;
pub mod directory;
pub mod fingerprint;
pub mod gate;
pub mod hosts;
pub mod keeper;
mod refusals;
pub mod secret_file;
pub mod tls;
pub mod token;

use std::{
    ffi::OsStr,
    path::{Path, PathBuf},
};

/// The variable that a client's token may be in.
pub const TOKEN_VARIABLE: &str = "SENSAI_TOKEN";

/// Where this user's settings are: `$XDG_CONFIG_HOME/sensai`, else `~/.config/sensai`.
///
/// # Errors
/// If neither is named by the environment.
pub fn settings_folder() -> anyhow::Result<PathBuf> {
    let variable = |name| std::env::var_os(name);
    let folder = settings_folder_of(variable("XDG_CONFIG_HOME").as_deref(), variable("HOME").as_deref());
    folder.ok_or_else(|| anyhow::anyhow!("neither XDG_CONFIG_HOME nor HOME says where settings are"))
}

fn settings_folder_of(settings: Option<&OsStr>, home: Option<&OsStr>) -> Option<PathBuf> {
    // Relative paths in XDG variables are to be ignored, says their specification.
    let absolute = |path: &OsStr| Some(Path::new(path)).filter(|path| path.is_absolute()).map(Path::to_owned);
    let home = || Some(home.and_then(absolute)?.join(".config"));
    Some(settings.and_then(absolute).or_else(home)?.join("sensai"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_where_the_specification_says() {
        let folder =
            |settings: &str, home: &str| settings_folder_of(Some(settings.as_ref()), Some(home.as_ref()));
        assert_eq!(folder("/etc/of", "/users/a"), Some("/etc/of/sensai".into()));
        assert_eq!(folder("of", "/users/a"), Some("/users/a/.config/sensai".into()));
        assert_eq!(folder("", ""), None);
    }
}
