//! Any bytes as what a stranger says first over a network, and as the files that decide about it: an answer or a refusal, and
//! never more said than that.
//!
//! `cargo xtask fuzz authenticate`, or `cargo +nightly fuzz run authenticate` in `runtime`.

#![no_main]

use libfuzzer_sys::fuzz_target;
use sensai::control::{
    protocol::refusal_line,
    remote::{fingerprint::Fingerprint, gate::first_request, hosts, token::Tokens},
};

fuzz_target!(|bytes: &[u8]| {
    match first_request(bytes) {
        Ok((_, secret)) => {
            let line = String::from_utf8_lossy(bytes).to_ascii_lowercase();
            // Written otherwise only as JSON allows it, with escapes.
            assert!(line.contains(secret.reveal()) || line.contains('\\'), "a token that nobody has shown");
        }
        Err((id, failure)) => {
            let line = refusal_line(&id, &failure);
            assert!(line.len() < 1024 && line.matches('\n').count() == 1, "{line}");
        }
    }
    if let Ok(list) = Tokens::parse(bytes) {
        let text = list.render().expect("a list can be written");
        assert_eq!(Tokens::parse(text.as_bytes()), Ok(list), "a list comes back as it was");
    }
    let text = String::from_utf8_lossy(bytes);
    if let Ok(fingerprint) = text.parse::<Fingerprint>() {
        assert_eq!(fingerprint.to_string().parse(), Ok(fingerprint));
    }
    let _ = (hosts::split(&text), hosts::parse_token(&text));
});
