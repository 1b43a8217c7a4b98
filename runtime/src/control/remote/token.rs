//! Tokens: a secret that its holder shows, and the list of those that open the socket. The list has their SHA-256 only:
//! who reads it cannot connect.

use crate::control::remote::fingerprint::sha256_from_hex;
use sensai_log::block::hex;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::{collections::BTreeSet, fmt, str::FromStr};
use subtle::ConstantTimeEq;

/// Before the digits of a secret: who finds one in a file knows what it is.
const PREFIX: &str = "sensai_";
/// Tokens in a list, revoked ones included.
pub const TOKENS_MAX: usize = 100;
/// Bytes of a list.
pub const LIST_MAX: u64 = 64 * 1024;

/// What a token allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Right {
    /// To look, and nothing else
    Read,
    /// To look, and to give commands: start and stop, parameters, forces, reloads
    Operate,
}

impl Right {
    /// As people write it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Operate => "operate",
        }
    }
}

/// What the holder of a token has: 256 random bits. Never printed by accident.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Of 32 random bytes.
    pub fn new(random: [u8; 32]) -> Self {
        Self(format!("{PREFIX}{}", hex(&random)))
    }

    /// The text, for its holder alone.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    fn sha256(&self) -> [u8; 32] {
        Sha256::digest(&self.0).into()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

impl FromStr for Secret {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let digits = text.strip_prefix(PREFIX).and_then(sha256_from_hex);
        digits.map(Self::new).ok_or_else(|| format!("expected a token: `{PREFIX}` and 64 hexadecimal digits"))
    }
}

/// An entry of the list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Token {
    /// Who has it; it stands with every command in the audit file.
    pub name: String,
    /// What it allows.
    pub right: Right,
    /// Of the secret, hexadecimal.
    pub sha256: String,
    /// When it was made, in UTC.
    pub created: String,
    /// From when on it opens nothing, in UTC.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<String>,
    /// When it was revoked, in UTC.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revoked: Option<String>,
}

/// Why a token does not open the socket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Closed {
    /// Nobody was ever given it, or its entry is gone.
    Unknown,
    /// Its time is over.
    Expired {
        /// Of the token.
        name: String,
        /// Since when.
        when: String,
    },
    /// It was taken back.
    Revoked {
        /// Of the token.
        name: String,
        /// Since when.
        when: String,
    },
}

impl Closed {
    /// For programs and the audit file.
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::Unknown => "wrong token",
            Self::Expired { .. } => "expired token",
            Self::Revoked { .. } => "revoked token",
        }
    }

    /// Name of the token, if it is known.
    pub fn token(&self) -> Option<&str> {
        match self {
            Self::Unknown => None,
            Self::Expired { name, .. } | Self::Revoked { name, .. } => Some(name),
        }
    }
}

impl fmt::Display for Closed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown => write!(f, "the token is not one that this machine knows"),
            Self::Expired { name, when } => write!(f, "the token `{name}` expired at {when}"),
            Self::Revoked { name, when } => write!(f, "the token `{name}` was revoked at {when}"),
        }
    }
}

impl Token {
    /// The token itself if it is good at `now`, an instant in UTC as [`crate::control::audit::rfc3339`] writes it.
    ///
    /// # Errors
    /// Why it is not.
    pub fn at(&self, now: &str) -> Result<&Self, Closed> {
        if let Some(when) = &self.revoked {
            return Err(Closed::Revoked { name: self.name.clone(), when: when.clone() });
        }
        // Instants of one form are in the order of their letters.
        match &self.expires {
            Some(when) if now >= when.as_str() => {
                Err(Closed::Expired { name: self.name.clone(), when: when.clone() })
            }
            _ => Ok(self),
        }
    }
}

/// The list.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tokens {
    #[serde(default, rename = "token")]
    tokens: Vec<Token>,
}

impl Tokens {
    /// From the text of a list.
    ///
    /// # Errors
    /// What is wrong with it, in a sentence.
    pub fn parse(bytes: &[u8]) -> Result<Self, String> {
        let text = std::str::from_utf8(bytes).map_err(|_| "it is no UTF-8".to_owned())?;
        let list: Self = toml::from_str(text).map_err(|error| error.message().to_owned())?;
        if list.tokens.len() > TOKENS_MAX {
            return Err(format!("it has {} tokens, expected at most {TOKENS_MAX}", list.tokens.len()));
        }
        let mut names = BTreeSet::new();
        for token in &list.tokens {
            let name = check_name(&token.name)?;
            if !names.insert(name) {
                return Err(format!("two tokens are called `{name}`"));
            }
            if sha256_from_hex(&token.sha256).is_none() {
                return Err(format!("token `{name}`: `sha256` is not 64 hexadecimal digits"));
            }
            let instants = [Some(&token.created), token.expires.as_ref(), token.revoked.as_ref()];
            if let Some(wrong) = instants.into_iter().flatten().find(|instant| !is_instant(instant)) {
                return Err(format!(
                    "token `{name}`: `{wrong}` is no instant such as 2027-01-31T12:00:00.000Z"
                ));
            }
        }
        Ok(list)
    }

    /// The text of the list.
    ///
    /// # Errors
    /// It cannot fail for what [`Tokens::parse`] and [`Tokens::grant`] let in; TOML has no other way to say so.
    pub fn render(&self) -> Result<String, toml::ser::Error> {
        let body = toml::to_string(self)?;
        Ok(format!(
            "# Who may use the control socket over a network: `sensai access grant`, `list`, `revoke`.\n\n{body}"
        ))
    }

    /// All of them, in the order in which they were made.
    pub fn iter(&self) -> impl Iterator<Item = &Token> {
        self.tokens.iter()
    }

    /// Whose secret this is, at `now`. Takes as long whichever it is.
    ///
    /// # Errors
    /// Why it opens nothing.
    pub fn judge(&self, secret: &Secret, now: &str) -> Result<&Token, Closed> {
        let shown = secret.sha256();
        let mut found = None;
        for token in &self.tokens {
            let known = sha256_from_hex(&token.sha256).unwrap_or_default();
            if bool::from(known.ct_eq(&shown)) {
                found = Some(token);
            }
        }
        found.ok_or(Closed::Unknown)?.at(now)
    }

    /// Whether a token that was good before still is.
    ///
    /// # Errors
    /// Why it opens nothing any more.
    pub fn still(&self, token: &Token, now: &str) -> Result<(), Closed> {
        let present = self.tokens.iter().find(|of| of.sha256 == token.sha256);
        let present = present.ok_or(Closed::Unknown)?.at(now)?;
        // One whose name or right was changed by hand has to be shown again.
        if (&present.name, present.right) == (&token.name, token.right) {
            Ok(())
        } else {
            Err(Closed::Unknown)
        }
    }

    /// Enter a token for `secret`.
    ///
    /// # Errors
    /// If the name is in use, or none that we take, or the list is full.
    pub fn grant(
        &mut self,
        name: &str,
        right: Right,
        secret: &Secret,
        created: String,
        expires: Option<String>,
    ) -> Result<(), String> {
        check_name(name)?;
        if self.tokens.iter().any(|token| token.name == name && token.at(&created).is_ok()) {
            return Err(format!(
                "there is a token `{name}` already: `sensai access revoke {name}` first, or take another name"
            ));
        }
        self.tokens.retain(|token| token.name != name);
        if self.tokens.len() >= TOKENS_MAX {
            // The ones that open nothing are kept as long as there is room.
            let over = self.tokens.iter().position(|token| token.at(&created).is_err());
            let over =
                over.ok_or_else(|| format!("there are {TOKENS_MAX} tokens already; revoke one first"))?;
            self.tokens.remove(over);
        }
        let (name, sha256) = (name.to_owned(), hex(&secret.sha256()));
        self.tokens.push(Token { name, right, sha256, created, expires, revoked: None });
        Ok(())
    }

    /// Let a token open nothing any more.
    ///
    /// # Errors
    /// If there is none of this name, or it is revoked already.
    pub fn revoke(&mut self, name: &str, now: String) -> Result<(), String> {
        let names: Vec<&str> = self.tokens.iter().map(|token| token.name.as_str()).collect();
        let list = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
        let token = self.tokens.iter_mut().find(|token| token.name == name);
        let token = token.ok_or_else(|| format!("there is no token `{name}`; there are: {list}"))?;
        if let Some(when) = &token.revoked {
            return Err(format!("the token `{name}` was revoked at {when} already"));
        }
        token.revoked = Some(now);
        Ok(())
    }
}

/// A name that may stand in files, texts and file names.
///
/// # Errors
/// What is wrong with it.
pub fn check_name(name: &str) -> Result<&str, String> {
    let plain = |letter: char| letter.is_ascii_alphanumeric() || "-_.@".contains(letter);
    let begins = name.starts_with(|letter: char| letter.is_ascii_alphanumeric());
    if begins && name.len() <= 64 && name.chars().all(plain) {
        return Ok(name);
    }
    let shown = crate::control::protocol::shown(name);
    Err(format!(
        "`{shown}` is no name: expected a letter or digit, then at most 63 letters, digits, and any of - _ . @"
    ))
}

/// `2027-01-31T12:00:00.000Z`, as we write it.
fn is_instant(text: &str) -> bool {
    const FORM: &[u8] = b"0000-00-00T00:00:00.000Z";
    let fits = |(of, letter): (&u8, u8)| if *of == b'0' { letter.is_ascii_digit() } else { *of == letter };
    text.len() == FORM.len() && FORM.iter().zip(text.bytes()).all(fits)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control::audit::rfc3339;
    use proptest::prelude::*;

    const DAY_NS: i64 = 86_400_000_000_000;

    fn secret(byte: u8) -> Secret {
        Secret::new([byte; 32])
    }

    fn list() -> Tokens {
        let mut list = Tokens::default();
        list.grant("maria", Right::Operate, &secret(1), rfc3339(0), None).unwrap();
        list.grant("wall-display", Right::Read, &secret(2), rfc3339(0), Some(rfc3339(DAY_NS))).unwrap();
        list
    }

    #[test]
    fn a_token_opens_until_it_expires_or_is_revoked() {
        let mut list = list();
        assert_eq!(list.judge(&secret(1), &rfc3339(0)).unwrap().name, "maria");
        assert_eq!(list.judge(&secret(2), &rfc3339(DAY_NS - 1_000_000)).unwrap().right, Right::Read);
        let expired = list.judge(&secret(2), &rfc3339(DAY_NS)).unwrap_err();
        assert_eq!(expired.to_string(), "the token `wall-display` expired at 1970-01-02T00:00:00.000Z");
        assert_eq!(list.judge(&secret(3), &rfc3339(0)), Err(Closed::Unknown));
        let maria = list.judge(&secret(1), &rfc3339(0)).unwrap().clone();
        assert_eq!(list.still(&maria, &rfc3339(0)), Ok(()));
        list.revoke("maria", rfc3339(5)).unwrap();
        let revoked = list.still(&maria, &rfc3339(9)).unwrap_err();
        assert_eq!(revoked.to_string(), "the token `maria` was revoked at 1970-01-01T00:00:00.000Z");
        assert_eq!(list.judge(&secret(1), &rfc3339(9)), Err(revoked));
        assert!(list.revoke("maria", rfc3339(9)).unwrap_err().contains("already"));
        assert_eq!(
            list.revoke("mario", rfc3339(9)).unwrap_err(),
            "there is no token `mario`; there are: maria, wall-display"
        );
        // The name may be given again, with another secret; the old one stays closed.
        list.grant("maria", Right::Read, &secret(4), rfc3339(10), None).unwrap();
        assert_eq!(list.judge(&secret(1), &rfc3339(10)), Err(Closed::Unknown));
        assert_eq!(list.still(&maria, &rfc3339(10)), Err(Closed::Unknown));
        assert!(
            list.grant("maria", Right::Read, &secret(5), rfc3339(10), None)
                .unwrap_err()
                .contains("revoke maria")
        );
        // A right that was changed in the file is another token for who is connected.
        let mut wider = list.judge(&secret(4), &rfc3339(10)).unwrap().clone();
        wider.right = Right::Operate;
        assert_eq!(list.still(&wider, &rfc3339(10)), Err(Closed::Unknown));
    }

    #[test]
    fn the_list_has_no_secret_and_comes_back_as_it_was() {
        let list = list();
        let text = list.render().unwrap();
        assert!(!text.contains(&secret(1).reveal()[7..]), "{text}");
        assert_eq!(Tokens::parse(text.as_bytes()).unwrap(), list);
        assert_eq!(format!("{:?}", secret(1)), "Secret(…)");
    }

    #[test]
    fn a_list_that_is_wrong_is_refused_as_a_whole() {
        let good = list().render().unwrap();
        for (change, with, says) in [
            ("wall-display", "maria", "two tokens are called `maria`"),
            ("\"operate\"", "\"admin\"", "unknown variant `admin`"),
            ("name = \"maria\"", "name = \"../maria\"", "`../maria` is no name"),
            ("created", "made", "unknown field `made`"),
            ("1970-01-02T", "tomorrow", "is no instant such as"),
            ("sha256 = \"", "sha256 = \"0", "`sha256` is not 64 hexadecimal digits"),
        ] {
            let error = Tokens::parse(good.replacen(change, with, 1).as_bytes()).unwrap_err();
            assert!(error.contains(says), "{change}: {error}");
        }
        assert_eq!(Tokens::parse(&[0xff]).unwrap_err(), "it is no UTF-8");
        assert_eq!(Tokens::parse(b"").unwrap(), Tokens::default());
    }

    #[test]
    fn the_list_is_bounded() {
        let mut list = Tokens::default();
        for index in 0..TOKENS_MAX {
            list.grant(&format!("t{index}"), Right::Read, &secret(index as u8), rfc3339(0), None).unwrap();
        }
        assert!(
            list.grant("more", Right::Read, &secret(200), rfc3339(0), None)
                .unwrap_err()
                .contains("100 tokens")
        );
        list.revoke("t7", rfc3339(0)).unwrap();
        list.grant("more", Right::Read, &secret(200), rfc3339(0), None).unwrap();
        assert!(list.iter().all(|token| token.name != "t7"));
        assert!(list.render().unwrap().len() as u64 <= LIST_MAX);
    }

    proptest! {
        #[test]
        fn a_secret_is_only_what_we_make(text: String, random: [u8; 32]) {
            prop_assert!(text.parse::<Secret>().is_err());
            let secret = Secret::new(random);
            prop_assert_eq!(secret.reveal().parse::<Secret>(), Ok(secret.clone()));
        }

        #[test]
        fn no_list_is_too_strange(bytes: Vec<u8>) {
            let _ = Tokens::parse(&bytes);
        }
    }
}
