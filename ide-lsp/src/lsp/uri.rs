//! `file:` URIs (RFC 8089) and paths.

use std::path::{Path, PathBuf};

/// The path of a `file:` URI of this machine; `None` for any other.
pub fn path_of(uri: &str) -> Option<PathBuf> {
    let rest = uri.strip_prefix("file://")?;
    let encoded = rest.strip_prefix("localhost").unwrap_or(rest);
    let path = PathBuf::from(decode(encoded)?);
    path.is_absolute().then_some(path)
}

/// The URI of an absolute path.
pub fn uri_of(path: &Path) -> String {
    let mut uri = String::from("file://");
    for byte in path.to_string_lossy().bytes() {
        if byte.is_ascii_alphanumeric() || b"/-._~".contains(&byte) {
            uri.push(char::from(byte));
        } else {
            uri += &format!("%{byte:02X}");
        }
    }
    uri
}

fn decode(encoded: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(encoded.len());
    let mut rest = encoded.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let digits = [rest.next()?, rest.next()?].map(|digit| char::from(digit).to_digit(16));
            let [Some(high), Some(low)] = digits else { return None };
            bytes.push(u8::try_from(high << 4 | low).ok()?);
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn known_forms() {
        let path = |uri| path_of(uri).map(|path| path.display().to_string());
        assert_eq!(path("file:///a%20b/c%C3%A9.rhai").as_deref(), Some("/a b/cé.rhai"));
        assert_eq!(path("file://localhost/a").as_deref(), Some("/a"));
        for bad in
            ["untitled:Untitled-1", "file://other/a", "file:///a%2", "file:///a%zz", "file:///%FF", "/a", ""]
        {
            assert_eq!(path(bad), None, "{bad}");
        }
        assert_eq!(uri_of(Path::new("/a b/ü[1]")), "file:///a%20b/%C3%BC%5B1%5D");
    }

    proptest! {
        #[test]
        fn round_trip(name in "/.{0,40}") {
            prop_assert_eq!(path_of(&uri_of(Path::new(&name))), Some(PathBuf::from(name)));
        }

        #[test]
        fn anything_may_come_in(uri in ".{0,40}", encoded in "file:///[%a-f0-9]{0,20}") {
            let _ = (path_of(&uri), path_of(&encoded));
        }
    }
}
