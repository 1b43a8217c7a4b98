//! The machines that this user reaches over a network: `hosts.toml` among his settings, and his tokens beside it.

use crate::control::{
    protocol::suggestion,
    remote::{
        TOKEN_VARIABLE,
        fingerprint::Fingerprint,
        secret_file, settings_folder,
        token::{Secret, check_name},
    },
};
use anyhow::Context;
use serde::{Deserialize, Serialize};
use std::{
    collections::BTreeMap,
    fmt,
    path::{Path, PathBuf},
};

/// Bytes of a file with a token, and of the list of machines.
const TOKEN_FILE_MAX: u64 = 1024;
const LIST_MAX: u64 = 256 * 1024;

/// A machine as this user has noted it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Noted {
    /// `HOST:PORT`.
    pub address: String,
    /// Of its certificate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fingerprint: Option<String>,
    /// A file with the certificates of who vouches for it, in the place of a fingerprint.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca: Option<PathBuf>,
    /// The file that has this user's token; a relative path is from the settings' folder.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token_file: Option<PathBuf>,
}

/// How a machine is known to be the right one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trust {
    /// By its certificate.
    Fingerprint(Fingerprint),
    /// By who vouches for it: a file with certificates.
    Authority(PathBuf),
}

/// A machine that can be connected to.
#[derive(Clone, Debug)]
pub struct Host {
    /// As the user calls it.
    pub name: String,
    /// Host name or address of an interface.
    pub host: String,
    /// Port.
    pub port: u16,
    /// How it is known.
    pub trust: Trust,
    /// What it is shown.
    pub secret: Secret,
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let address = joined(&self.host, self.port);
        if self.name == address { f.write_str(&address) } else { write!(f, "{} ({address})", self.name) }
    }
}

fn joined(host: &str, port: u16) -> String {
    if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") }
}

/// What a command line says of a machine.
#[derive(Clone, Copy, Debug, Default)]
pub struct Asked<'a> {
    /// A noted name, or `HOST:PORT`.
    pub host: &'a str,
    /// Of its certificate.
    pub fingerprint: Option<Fingerprint>,
    /// Who vouches for it.
    pub ca: Option<&'a Path>,
    /// The token's file.
    pub token_file: Option<&'a Path>,
}

/// The settings' folder with the machines that are noted there.
pub struct Hosts {
    folder: PathBuf,
    list: BTreeMap<String, Noted>,
}

impl Hosts {
    /// Of this user.
    ///
    /// # Errors
    /// If the list cannot be read, or is none.
    pub fn of_user() -> anyhow::Result<Self> {
        Self::in_folder(settings_folder()?)
    }

    /// Of the settings in `folder`.
    ///
    /// # Errors
    /// If the list cannot be read, or is none.
    pub fn in_folder(folder: PathBuf) -> anyhow::Result<Self> {
        let path = folder.join("hosts.toml");
        let text = match std::fs::metadata(&path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
            Err(error) => return Err(error).with_context(|| format!("cannot look at {}", path.display())),
            Ok(about) => {
                // Who could change it could send this user's commands elsewhere.
                secret_file::check_unchanged(&path)?;
                anyhow::ensure!(about.len() <= LIST_MAX, "{} has more than {LIST_MAX} bytes", path.display());
                std::fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?
            }
        };
        let list: BTreeMap<String, Noted> = toml::from_str(&text)
            .map_err(|error| anyhow::anyhow!("{}: {}", path.display(), error.message()))?;
        Ok(Self { folder, list })
    }

    /// The machines by their names, with their files' whole paths.
    pub fn iter(&self) -> impl Iterator<Item = (&str, Noted)> {
        self.list.iter().map(|(name, noted)| {
            let whole = |path: &PathBuf| self.folder.join(path);
            let (ca, token_file) = (noted.ca.as_ref().map(whole), noted.token_file.as_ref().map(whole));
            (name.as_str(), Noted { ca, token_file, ..noted.clone() })
        })
    }

    /// Note a machine, and its token in a file of its own beside the list.
    ///
    /// # Errors
    /// If the name or the address is none, or something cannot be written.
    pub fn add(&mut self, name: &str, mut noted: Noted, secret: &Secret) -> anyhow::Result<()> {
        check_name(name).map_err(anyhow::Error::msg)?;
        split(&noted.address)?;
        let relative = Path::new("tokens").join(name);
        secret_file::make_folder(&self.folder.join("tokens"))?;
        let path = self.folder.join(&relative);
        secret_file::write(&path, format!("{}\n", secret.reveal()).as_bytes(), 0o600)?;
        noted.token_file = Some(relative);
        self.list.insert(name.to_owned(), noted);
        self.write()
    }

    /// Forget a machine, and its token.
    ///
    /// # Errors
    /// If there is none of this name, or the list cannot be written.
    pub fn remove(&mut self, name: &str) -> anyhow::Result<()> {
        let Some(noted) = self.list.remove(name) else { return Err(self.unknown(name)) };
        self.write()?;
        // Only what was put there with the machine: a file elsewhere is its user's own.
        if let Some(file) = noted.token_file.filter(|file| file == &Path::new("tokens").join(name)) {
            let path = self.folder.join(file);
            std::fs::remove_file(&path).with_context(|| format!("cannot remove {}", path.display()))?;
        }
        Ok(())
    }

    fn write(&self) -> anyhow::Result<()> {
        let text = toml::to_string(&self.list).context("cannot write the list of machines")?;
        secret_file::make_folder(&self.folder)?;
        Ok(secret_file::write(&self.folder.join("hosts.toml"), text.as_bytes(), 0o600)?)
    }

    /// The machine that is asked for. `variable` is what [`TOKEN_VARIABLE`] has.
    ///
    /// # Errors
    /// If it is not known, or something is missing: what, and how to say it.
    pub fn find(&self, asked: Asked<'_>, variable: Option<String>) -> anyhow::Result<Host> {
        let noted = self.list.get(asked.host);
        let Some(address) = noted
            .map_or_else(|| asked.host.contains(':').then_some(asked.host), |noted| Some(&noted.address))
        else {
            return Err(self.unknown(asked.host));
        };
        let (host, port) = split(address)?;
        let trust = match (asked.fingerprint, asked.ca) {
            (Some(fingerprint), _) => Trust::Fingerprint(fingerprint),
            (None, Some(ca)) => Trust::Authority(ca.into()),
            (None, None) => self.trust_of(asked.host, noted)?,
        };
        let noted_file =
            noted.and_then(|noted| noted.token_file.as_deref()).map(|file| self.folder.join(file));
        // A token goes to the machine that it is for: one that is noted with it before one that is for any.
        let secret = match (asked.token_file.map(Path::to_owned).or(noted_file), variable) {
            (Some(file), _) => read_token(&file)?,
            (None, Some(text)) => parse_token(&text).with_context(|| format!("in {TOKEN_VARIABLE}"))?,
            (None, None) => anyhow::bail!(
                "there is no token for {}: name a file that has it with --token-file, or put it into {TOKEN_VARIABLE}",
                asked.host
            ),
        };
        Ok(Host { name: asked.host.to_owned(), host, port, trust, secret })
    }

    fn trust_of(&self, name: &str, noted: Option<&Noted>) -> anyhow::Result<Trust> {
        let known = noted.map_or((None, None), |noted| (noted.fingerprint.as_deref(), noted.ca.as_deref()));
        match known {
            (Some(text), _) => {
                let fingerprint = text.parse().map_err(|error| {
                    anyhow::anyhow!(
                        "{}: `{name}`: `fingerprint`: {error}",
                        self.folder.join("hosts.toml").display()
                    )
                });
                fingerprint.map(Trust::Fingerprint)
            }
            (None, Some(ca)) => Ok(Trust::Authority(self.folder.join(ca))),
            (None, None) => anyhow::bail!(
                "how is {name} known to be the right machine? Give the fingerprint that `sensai access show` tells there with \
                 --fingerprint, or the file of who vouches for it with --ca"
            ),
        }
    }

    fn unknown(&self, name: &str) -> anyhow::Error {
        let names = self.list.keys().map(String::as_str);
        let help = match suggestion(name, names.clone()) {
            Some(near) => format!("did you mean `{near}`?"),
            None if self.list.is_empty() => "note it with `sensai host add`, or give HOST:PORT".to_owned(),
            None => format!("there are: {}; or give HOST:PORT", names.collect::<Vec<_>>().join(", ")),
        };
        anyhow::anyhow!("no machine is noted as `{name}`; {help}")
    }
}

/// Host and port of an address.
///
/// # Errors
/// If it is none.
pub fn split(address: &str) -> anyhow::Result<(String, u16)> {
    let parts = address.rsplit_once(':').and_then(|(host, port)| {
        let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
        let host = bare.or_else(|| (!host.contains(':')).then_some(host)).filter(|host| !host.is_empty())?;
        Some((host.to_owned(), port.parse().ok().filter(|port| *port > 0)?))
    });
    parts.with_context(|| {
        let shown = crate::control::protocol::shown(address);
        format!("`{shown}` is no address: expected HOST:PORT, such as 192.168.1.10:7443 or [fd00::10]:7443")
    })
}

/// The token in a file that only its owner may read.
///
/// # Errors
/// If it cannot be read, others may read it, or it has none.
pub fn read_token(path: &Path) -> anyhow::Result<Secret> {
    let bytes = secret_file::read(path, TOKEN_FILE_MAX)?;
    parse_token(&String::from_utf8_lossy(&bytes)).with_context(|| format!("{}", path.display()))
}

/// A token with blanks around it.
///
/// # Errors
/// If it is none. The text is not in the error.
pub fn parse_token(text: &str) -> anyhow::Result<Secret> {
    text.trim().parse().map_err(anyhow::Error::msg)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pinned(address: &str) -> Noted {
        let fingerprint = Some(Fingerprint::of(b"x").to_string());
        Noted { address: address.into(), fingerprint, ca: None, token_file: None }
    }

    fn asked(host: &str) -> Asked<'_> {
        Asked { host, ..Asked::default() }
    }

    #[test]
    fn a_machine_is_noted_found_and_forgotten() {
        let folder = tempfile::tempdir().unwrap();
        let settings = folder.path().join("sensai");
        let mut hosts = Hosts::in_folder(settings.clone()).unwrap();
        let secret = Secret::new([1; 32]);
        hosts.add("press-cell", pinned("192.168.1.10:7443"), &secret).unwrap();
        let hosts = Hosts::in_folder(settings.clone()).unwrap();
        let host = hosts.find(asked("press-cell"), Some("of another machine".into())).unwrap();
        assert_eq!((host.host.as_str(), host.port, &host.secret), ("192.168.1.10", 7443, &secret));
        assert_eq!(host.trust, Trust::Fingerprint(Fingerprint::of(b"x")));
        assert_eq!(host.to_string(), "press-cell (192.168.1.10:7443)");
        assert!(!format!("{host:?}").contains("0101"), "a token is not shown by accident");
        let error = hosts.find(asked("pres-cell"), None).unwrap_err().to_string();
        assert_eq!(error, "no machine is noted as `pres-cell`; did you mean `press-cell`?");
        let mut hosts = Hosts::in_folder(settings.clone()).unwrap();
        hosts.remove("press-cell").unwrap();
        assert_eq!(std::fs::read_dir(settings.join("tokens")).unwrap().count(), 0);
        assert!(hosts.remove("press-cell").is_err());
        assert!(hosts.add("../x", pinned("a:1"), &secret).is_err());
        assert!(hosts.add("x", pinned("a"), &secret).is_err());
    }

    #[test]
    fn what_is_missing_is_asked_for() {
        let folder = tempfile::tempdir().unwrap();
        let hosts = Hosts::in_folder(folder.path().into()).unwrap();
        let error = |asked, variable| hosts.find(asked, variable).err().unwrap().to_string();
        let at = asked("10.0.0.1:7443");
        assert!(error(at, None).contains("sensai access show"), "{}", error(at, None));
        let trusted = Asked { fingerprint: Some(Fingerprint::of(b"x")), ..at };
        assert!(error(trusted, None).contains("--token-file, or put it into SENSAI_TOKEN"));
        assert!(error(trusted, Some("secret".into())).contains("SENSAI_TOKEN"));
        let secret = Secret::new([2; 32]);
        let host = hosts.find(trusted, Some(format!(" {}\n", secret.reveal()))).unwrap();
        assert_eq!((host.to_string().as_str(), host.secret), ("10.0.0.1:7443", secret.clone()));
        let file = folder.path().join("token");
        std::fs::write(&file, secret.reveal()).unwrap();
        let with_file = Asked { token_file: Some(&file), ca: Some(Path::new("/ca.pem")), ..at };
        let open = error(with_file, None);
        assert!(open.contains("chmod 600"), "{open}");
        secret_file::write(&file, secret.reveal().as_bytes(), 0o600).unwrap();
        assert_eq!(hosts.find(with_file, None).unwrap().trust, Trust::Authority("/ca.pem".into()));
    }

    #[test]
    fn addresses() {
        assert_eq!(split("a.local:1").unwrap(), ("a.local".into(), 1));
        assert_eq!(split("[fd00::10]:7443").unwrap(), ("fd00::10".into(), 7443));
        for wrong in ["", ":", "a", "a:", ":1", "a:0", "a:65536", "fd00::10:7443", "[fd00::10]"] {
            assert!(split(wrong).unwrap_err().to_string().contains("is no address"), "{wrong}");
        }
    }
}
