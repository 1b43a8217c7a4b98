//! What a certificate is known by: the SHA-256 of its DER bytes, as `openssl x509 -fingerprint -sha256` gives it, too.

use sensai_log::block::hex;
use sha2::{Digest, Sha256};
use std::{fmt, str::FromStr};

/// SHA-256 of a certificate.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Fingerprint([u8; 32]);

impl Fingerprint {
    /// Of a certificate in DER.
    pub fn of(certificate: &[u8]) -> Self {
        Self(Sha256::digest(certificate).into())
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "sha256:{}", hex(&self.0))
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Fingerprint {
    type Err = String;

    /// `sha256:` and 64 digits, or the digits alone; also in capitals and with colons between them.
    fn from_str(text: &str) -> Result<Self, String> {
        let plain = text.trim().to_ascii_lowercase();
        let digits: String = plain.strip_prefix("sha256:").unwrap_or(&plain).replace(':', "");
        let bytes = sha256_from_hex(&digits);
        bytes.map(Self).ok_or_else(|| "expected `sha256:` and 64 hexadecimal digits".to_owned())
    }
}

/// 32 bytes from 64 hexadecimal digits.
pub fn sha256_from_hex(digits: &str) -> Option<[u8; 32]> {
    let mut bytes = [0; 32];
    if digits.len() != 2 * bytes.len() || !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return None;
    }
    for (byte, pair) in bytes.iter_mut().zip(digits.as_bytes().chunks_exact(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn it_is_read_as_others_write_it() {
        let ours = Fingerprint::of(b"a certificate");
        let text = ours.to_string();
        let digits = text.strip_prefix("sha256:").unwrap().to_ascii_uppercase();
        let pairs: Vec<&str> =
            digits.as_bytes().chunks(2).map(|pair| std::str::from_utf8(pair).unwrap()).collect();
        for written in [&text, &digits, &pairs.join(":"), &format!(" SHA256:{} ", pairs.join(":"))] {
            assert_eq!(written.parse(), Ok(ours), "{written}");
        }
        for wrong in ["", "sha256:", &digits[1..], "sha1:00", &format!("{}é", &digits[2..]), &"+1".repeat(32)]
        {
            assert!(wrong.parse::<Fingerprint>().unwrap_err().contains("64 hexadecimal digits"), "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn no_text_is_too_strange(text: String) {
            if let Ok(one) = text.parse::<Fingerprint>() {
                prop_assert_eq!(one.to_string().parse::<Fingerprint>(), Ok(one));
            }
        }
    }
}
