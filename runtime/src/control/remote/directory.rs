//! What lets a machine be reached over a network, in one folder of its own: `key.pem`, `certificate.pem`, `tokens.toml`.
//!
//! It belongs to the computer, not to a cell: several cells on one computer may share it. A key and a certificate from
//! elsewhere, such as a plant's own authority, may take the place of those that `sensai access init` makes.

use crate::control::{
    audit,
    remote::{
        fingerprint::Fingerprint,
        secret_file, settings_folder,
        tls::{provider, server_config},
        token::{LIST_MAX, Right, Secret, Tokens},
    },
};
use anyhow::Context;
use rcgen::{CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, KeyPair};
use rustls::{
    ServerConfig,
    pki_types::{CertificateDer, PrivateKeyDer, ServerName, pem::PemObject},
};
use sensai_fieldbus::clock;
use std::{
    net::IpAddr,
    path::{Path, PathBuf},
    sync::Arc,
};

/// Bytes of a key or of a chain of certificates.
const PEM_MAX: u64 = 256 * 1024;
/// How long a certificate of ours is good for those who look at its dates: as long as a machine is used.
const YEARS: i32 = 20;
const DAY_NS: i64 = 86_400_000_000_000;

/// The folder.
#[derive(Clone, Debug)]
pub struct Directory {
    path: PathBuf,
}

/// What a listener needs of it.
pub struct Opened {
    /// For connections.
    pub config: Arc<ServerConfig>,
    /// Of the certificate.
    pub fingerprint: Fingerprint,
}

impl Directory {
    /// At `path`, or where this user's is.
    ///
    /// # Errors
    /// If the environment does not say where settings are.
    pub fn at(path: Option<&Path>) -> anyhow::Result<Self> {
        let usual = || {
            Ok::<_, anyhow::Error>(
                settings_folder()
                    .context("name a folder with --dir (`sensai run`: --access)")?
                    .join("access"),
            )
        };
        Ok(Self { path: path.map_or_else(usual, |path| Ok(path.to_owned()))? })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The list of tokens.
    pub fn tokens_path(&self) -> PathBuf {
        self.path.join("tokens.toml")
    }

    /// The key.
    pub fn key_path(&self) -> PathBuf {
        self.path.join("key.pem")
    }

    /// The certificate, and those that vouch for it.
    pub fn certificate_path(&self) -> PathBuf {
        self.path.join("certificate.pem")
    }

    /// Make a key and a certificate that vouches for itself, for `names` (host names, addresses), and an empty list of tokens
    /// if there is none. `renew` lets them take the place of others.
    ///
    /// # Errors
    /// If there is a key already, or something cannot be written.
    pub fn init(&self, names: &[String], renew: bool) -> anyhow::Result<Fingerprint> {
        secret_file::make_folder(&self.path)?;
        secret_file::check_unchanged(&self.path)?;
        let _lock = secret_file::lock(&self.path)?;
        let at = self.path.display();
        anyhow::ensure!(
            renew || !(self.key_path().exists() || self.certificate_path().exists()),
            "there is a key in {at} already; `sensai access show` tells its fingerprint, --renew makes another one, and \
             everybody has to be told its fingerprint then"
        );
        let key = KeyPair::generate().context("cannot make a key")?;
        let certificate = self_signed(names, &key)?;
        secret_file::write(&self.key_path(), key.serialize_pem().as_bytes(), 0o600)?;
        secret_file::write(&self.certificate_path(), certificate.pem().as_bytes(), 0o644)?;
        if !self.tokens_path().exists() {
            self.put(&Tokens::default())?;
        }
        Ok(Fingerprint::of(certificate.der()))
    }

    /// The key and the certificate, ready to be used.
    ///
    /// # Errors
    /// If there are none, if others may get at them, or if they do not go together.
    pub fn open(&self) -> anyhow::Result<Opened> {
        self.check()?;
        let key_path = self.key_path();
        let key = PrivateKeyDer::from_pem_slice(&secret_file::read(&key_path, PEM_MAX)?);
        let key =
            key.map_err(|error| anyhow::anyhow!("{} is no private key: {error}", key_path.display()))?;
        let chain = self.chain()?;
        let first = chain.first().map(|certificate| Fingerprint::of(certificate));
        let (Some(fingerprint), at) = (first, self.certificate_path()) else {
            anyhow::bail!("{} has no certificate", self.certificate_path().display());
        };
        let config = server_config(chain, key)
            .with_context(|| format!("{} and {} do not go together", at.display(), key_path.display()))?;
        // Whoever may not read the list finds out now, and not when somebody comes.
        self.tokens()?;
        Ok(Opened { config, fingerprint })
    }

    /// What clients are to know the machine by.
    ///
    /// # Errors
    /// If there is no certificate.
    pub fn fingerprint(&self) -> anyhow::Result<Fingerprint> {
        self.check()?;
        let chain = self.chain()?;
        let first = chain
            .first()
            .with_context(|| format!("{} has no certificate", self.certificate_path().display()));
        Ok(Fingerprint::of(first?))
    }

    fn chain(&self) -> anyhow::Result<Vec<CertificateDer<'static>>> {
        let path = self.certificate_path();
        let text = std::fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
        CertificateDer::pem_slice_iter(&text)
            .collect::<Result<_, _>>()
            .map_err(|error| anyhow::anyhow!("{} has no certificates: {error}", path.display()))
    }

    /// The list of tokens.
    ///
    /// # Errors
    /// If others may get at it, or it is none. What cannot be read lets nobody in.
    pub fn tokens(&self) -> anyhow::Result<Tokens> {
        let path = self.tokens_path();
        match secret_file::read(&path, LIST_MAX) {
            Ok(bytes) => {
                Tokens::parse(&bytes).map_err(|error| anyhow::anyhow!("{}: {error}", path.display()))
            }
            Err(error) if error.is_missing() => Ok(Tokens::default()),
            Err(error) => Err(error.into()),
        }
    }

    /// Make a token; nobody can read it again.
    ///
    /// # Errors
    /// If the name is in use, the list is full, or cannot be written.
    pub fn grant(&self, name: &str, right: Right, days: Option<u32>) -> anyhow::Result<Secret> {
        let mut random = [0; 32];
        let filled = provider().secure_random.fill(&mut random);
        filled.map_err(|_| anyhow::anyhow!("the system gives no random bytes"))?;
        let secret = Secret::new(random);
        let now = clock::utc_ns();
        let until = days.map(|days| audit::rfc3339(now.saturating_add(i64::from(days) * DAY_NS)));
        self.change(|list| list.grant(name, right, &secret, audit::rfc3339(now), until))?;
        Ok(secret)
    }

    /// Let a token open nothing any more, also for who is connected.
    ///
    /// # Errors
    /// If there is none of this name, or the list cannot be written.
    pub fn revoke(&self, name: &str) -> anyhow::Result<()> {
        self.change(|list| list.revoke(name, audit::utc_now()))
    }

    fn change(&self, how: impl FnOnce(&mut Tokens) -> Result<(), String>) -> anyhow::Result<()> {
        self.check()?;
        let _lock = secret_file::lock(&self.path)?;
        let mut list = self.tokens()?;
        how(&mut list).map_err(anyhow::Error::msg)?;
        self.put(&list)
    }

    fn put(&self, list: &Tokens) -> anyhow::Result<()> {
        let text = list.render().context("cannot write the list of tokens")?;
        Ok(secret_file::write(&self.tokens_path(), text.as_bytes(), 0o600)?)
    }

    fn check(&self) -> anyhow::Result<()> {
        match secret_file::check_unchanged(&self.path) {
            Err(error) if error.is_missing() => Err(self.missing()),
            Err(error) => Err(error.into()),
            Ok(()) if !self.key_path().exists() => Err(self.missing()),
            Ok(()) => Ok(()),
        }
    }

    fn missing(&self) -> anyhow::Error {
        let at = self.path.display();
        anyhow::anyhow!("there is no key in {at}: make one with `sensai access init`")
    }
}

fn self_signed(names: &[String], key: &KeyPair) -> anyhow::Result<rcgen::Certificate> {
    if let Some(wrong) = names.iter().find(|name| ServerName::try_from(name.as_str()).is_err()) {
        let shown = crate::control::protocol::shown(wrong);
        anyhow::bail!(
            "`{shown}` is neither the name of a host nor an address, such as press-cell.local or 192.168.1.10"
        );
    }
    let mut params = CertificateParams::new(names).context("cannot make a certificate")?;
    params.distinguished_name = DistinguishedName::new();
    let first = names.first().map_or("sensai", String::as_str);
    params.distinguished_name.push(DnType::CommonName, first);
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    // A day earlier: clocks of machines differ.
    let ((year, month, day), now) = (audit::date(clock::utc_ns() - DAY_NS), audit::date(clock::utc_ns()));
    params.not_before = rcgen::date_time_ymd(year, month, day);
    params.not_after = rcgen::date_time_ymd(now.0 + YEARS, now.1, now.2.min(28));
    params.self_signed(key).context("cannot make a certificate")
}

/// What this computer is called: its host name, if it has one.
pub fn own_names() -> Vec<String> {
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let host = host.trim();
    let is_name = |host: &str| !host.is_empty() && host != "(none)" && host.parse::<IpAddr>().is_err();
    let own = Some(host.to_owned()).filter(|host| is_name(host));
    own.into_iter().chain(["localhost".to_owned()]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{fs, os::unix::fs::PermissionsExt};

    fn made() -> (tempfile::TempDir, Directory) {
        let folder = tempfile::tempdir().unwrap();
        let directory = Directory::at(Some(&folder.path().join("access"))).unwrap();
        (folder, directory)
    }

    fn names() -> Vec<String> {
        vec!["press-cell".into(), "192.168.1.10".into()]
    }

    #[test]
    fn a_key_is_made_once_and_only_its_owner_may_read_it() {
        let (_folder, directory) = made();
        let error = directory.open().err().unwrap().to_string();
        assert!(error.contains("make one with `sensai access init`"), "{error}");
        let fingerprint = directory.init(&names(), false).unwrap();
        let mode = |path: PathBuf| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        let modes = [directory.path().to_owned(), directory.key_path(), directory.tokens_path()].map(mode);
        assert_eq!(modes, [0o700, 0o600, 0o600]);
        assert_eq!(directory.open().unwrap().fingerprint, fingerprint);
        assert_eq!(directory.fingerprint().unwrap(), fingerprint);
        directory.grant("maria", Right::Read, None).unwrap();
        let again = directory.init(&names(), false).unwrap_err().to_string();
        assert!(again.contains("--renew makes another one"), "{again}");
        assert_ne!(directory.init(&names(), true).unwrap(), fingerprint);
        assert_eq!(directory.tokens().unwrap().iter().count(), 1, "a new key leaves the tokens");
        assert!(
            directory
                .init(&["no name".into()], true)
                .unwrap_err()
                .to_string()
                .contains("`no name` is neither")
        );
    }

    #[test]
    fn what_others_may_read_or_change_is_not_used() {
        let (_folder, directory) = made();
        directory.init(&names(), false).unwrap();
        let set = |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
        for (path, open, good) in [
            (directory.key_path(), 0o644, 0o600),
            (directory.tokens_path(), 0o640, 0o600),
            (directory.path().to_owned(), 0o777, 0o700),
        ] {
            set(&path, open);
            let error = directory.open().err().unwrap().to_string();
            assert!(error.contains(&format!("`chmod {good:o} {}`", path.display())), "{error}");
            set(&path, good);
        }
        directory.open().unwrap();
        // A key that is not the certificate's.
        let (_other_folder, other) = made();
        other.init(&names(), false).unwrap();
        fs::copy(other.key_path(), directory.key_path()).unwrap();
        let error = format!("{:#}", directory.open().err().unwrap());
        assert!(error.contains("do not go together"), "{error}");
        fs::write(directory.certificate_path(), "no certificate").unwrap();
        let error = directory.open().err().unwrap().to_string();
        assert!(error.ends_with("certificate.pem has no certificate"), "{error}");
    }

    #[test]
    fn a_token_is_shown_once_and_opens_until_it_is_revoked() {
        let (_folder, directory) = made();
        directory.init(&names(), false).unwrap();
        let secret = directory.grant("maria", Right::Operate, Some(1)).unwrap();
        let other = directory.grant("wall", Right::Read, None).unwrap();
        assert_ne!(secret, other);
        let text = fs::read_to_string(directory.tokens_path()).unwrap();
        assert!(!text.contains(secret.reveal()) && text.contains("name = \"maria\""), "{text}");
        let now = audit::utc_now();
        assert_eq!(directory.tokens().unwrap().judge(&secret, &now).unwrap().name, "maria");
        let in_two_days = audit::rfc3339(clock::utc_ns() + 2 * DAY_NS);
        assert!(directory.tokens().unwrap().judge(&secret, &in_two_days).is_err());
        assert!(directory.grant("maria", Right::Read, None).is_err());
        directory.revoke("maria").unwrap();
        assert!(directory.tokens().unwrap().judge(&secret, &now).is_err());
        fs::write(directory.tokens_path(), "[[token]]\nname = 7\n").unwrap();
        let error = directory.grant("x", Right::Read, None).unwrap_err().to_string();
        assert!(error.contains("tokens.toml: invalid type"), "a broken list is not written over: {error}");
    }
}
