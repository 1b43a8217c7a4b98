//! Connections that were let go without a good token, and requests that a token does not allow, counted for the audit file:
//! the first of its kind at once, those that follow together, ever more of them in a line. A flood fills no disk, and nothing
//! goes uncounted.

use crate::control::peer::{Peer, Remote, written};
use serde_json::{Value as Json, json};
use std::{collections::BTreeMap, net::SocketAddr};

const SECOND_NS: u64 = 1_000_000_000;
/// Longest time between two lines of a kind that goes on.
const PAUSE_MAX_NS: u64 = 60 * SECOND_NS;

#[derive(Default)]
struct Counted {
    times: u64,
    /// Of the last one.
    address: String,
    /// No line before.
    next_ns: u64,
    pause_ns: u64,
}

/// What has been refused.
#[derive(Default)]
pub struct Refusals {
    /// By what was asked for, the reason, and the token's name if it is known.
    counted: BTreeMap<(&'static str, &'static str, Option<String>), Counted>,
}

/// A line for the audit file.
#[derive(Debug, PartialEq, Eq)]
pub struct Refused {
    /// The token's name, if it is known, and where the last one came from.
    pub who: Peer,
    /// `connect`, or a method.
    pub what: &'static str,
    /// Why, and how many.
    pub params: Json,
}

impl Refusals {
    /// One more connection.
    pub fn count(&mut self, reason: &'static str, token: Option<&str>, address: SocketAddr) {
        self.count_of(("connect", reason, token.map(str::to_owned)), written(address));
    }

    /// Something more that was refused to somebody who is known.
    pub fn count_known(&mut self, what: &'static str, reason: &'static str, who: &Peer) {
        if let Peer::Remote(remote) = who {
            self.count_of((what, reason, remote.token.clone()), remote.address.clone());
        }
    }

    fn count_of(&mut self, kind: (&'static str, &'static str, Option<String>), address: String) {
        let of = self.counted.entry(kind).or_default();
        of.times += 1;
        of.address = address;
    }

    /// What is to be written now.
    pub fn due(&mut self, now_ns: u64) -> Vec<Refused> {
        self.take(|of| now_ns >= of.next_ns, now_ns)
    }

    /// What has not been written yet.
    pub fn rest(&mut self) -> Vec<Refused> {
        self.take(|_| true, 0)
    }

    fn take(&mut self, is_due: impl Fn(&Counted) -> bool, now_ns: u64) -> Vec<Refused> {
        let due = self.counted.iter_mut().filter(|(_, of)| of.times > 0 && is_due(of));
        due.map(|((what, reason, token), of)| {
            let calm = now_ns.saturating_sub(of.next_ns) > PAUSE_MAX_NS;
            of.pause_ns = if calm { SECOND_NS } else { (2 * of.pause_ns).clamp(SECOND_NS, PAUSE_MAX_NS) };
            of.next_ns = now_ns + of.pause_ns;
            let times = std::mem::take(&mut of.times);
            let params = json!({ "reason": reason, "times": times });
            let who = Peer::Remote(Remote { token: token.clone(), address: of.address.clone() });
            Refused { who, what, params }
        })
        .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(port: u16) -> SocketAddr {
        SocketAddr::from(([192, 168, 1, 66], port))
    }

    #[test]
    fn a_flood_is_a_few_lines_that_count_all_of_it() {
        let mut refusals = Refusals::default();
        let (mut lines, mut total) = (0, 0);
        // An hour, ten a second.
        for tenth in 0..36_000 {
            refusals.count("wrong token", None, at(4711));
            for refused in refusals.due(tenth * SECOND_NS / 10) {
                lines += 1;
                total += refused.params["times"].as_u64().unwrap();
            }
            assert!(tenth > 0 || (lines, total) == (1, 1), "the first one is told at once");
        }
        total += refusals.rest().iter().map(|refused| refused.params["times"].as_u64().unwrap()).sum::<u64>();
        assert_eq!(total, 36_000);
        assert!((60..80).contains(&lines), "{lines}");
    }

    #[test]
    fn kinds_have_their_own_lines() {
        let mut refusals = Refusals::default();
        refusals.count("wrong token", None, at(1));
        refusals.count("revoked token", Some("maria"), at(2));
        refusals.count("revoked token", Some("maria"), at(3));
        refusals.count_known("force", "forbidden", &Peer::remote(Some("wall".into()), at(4)));
        let due = refusals.due(0);
        assert_eq!(due.len(), 3);
        assert_eq!((due[2].what, &due[2].params["reason"]), ("force", &json!("forbidden")));
        assert_eq!(
            due[0],
            Refused {
                who: Peer::remote(Some("maria".into()), at(3)),
                what: "connect",
                params: json!({ "reason": "revoked token", "times": 2 })
            }
        );
        assert_eq!(refusals.due(0), []);
    }
}
