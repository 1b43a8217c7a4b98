//! Who is at the other end: what the kernel says of a process, or the token that it has shown; never what it says itself.

use rustix::net::sockopt::socket_peercred;
use serde::{Deserialize, Serialize};
use std::{fmt, net::SocketAddr, os::fd::AsFd};

/// Who is at the other end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Peer {
    /// A process of this computer.
    Local(Process),
    /// Somebody in a network.
    Remote(Remote),
}

/// The process at the other end, when it connected.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Process {
    /// Name of its user; the number as text if it has none.
    pub user: String,
    /// Number of its user.
    pub uid: u32,
    /// Its process.
    pub pid: i32,
}

/// Who has come over a network.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Remote {
    /// Name of the token that was shown; none if it was none that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
    /// Address and port.
    pub address: String,
}

impl Peer {
    /// This process itself.
    pub fn own() -> Self {
        let uid = rustix::process::getuid().as_raw();
        Self::Local(Process { user: user_name(uid), uid, pid: std::process::id().cast_signed() })
    }

    /// Of a connected Unix socket.
    ///
    /// # Errors
    /// If the kernel does not say.
    pub fn of(socket: impl AsFd) -> std::io::Result<Self> {
        let credentials = socket_peercred(socket)?;
        let uid = credentials.uid.as_raw();
        Ok(Self::Local(Process { user: user_name(uid), uid, pid: credentials.pid.as_raw_pid() }))
    }

    /// Of a connection over a network.
    pub fn remote(token: Option<String>, address: SocketAddr) -> Self {
        Self::Remote(Remote { token, address: written(address) })
    }

    /// The user, or the token's name.
    pub fn name(&self) -> &str {
        match self {
            Self::Local(process) => &process.user,
            Self::Remote(remote) => remote.token.as_deref().unwrap_or("unknown"),
        }
    }
}

impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Local(process) => write!(f, "{} (process {})", process.user, process.pid),
            Self::Remote(remote) => write!(f, "{} ({})", self.name(), remote.address),
        }
    }
}

/// An IPv4 address is written as one, whichever socket it came to.
pub fn written(address: SocketAddr) -> String {
    SocketAddr::new(address.ip().to_canonical(), address.port()).to_string()
}

/// The user's name as `/etc/passwd` has it. Users of a directory service go by their number.
fn user_name(uid: u32) -> String {
    let passwd = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    named(&passwd, uid).map_or_else(|| uid.to_string(), str::to_owned)
}

fn named(passwd: &str, uid: u32) -> Option<&str> {
    passwd.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1)?.parse() == Ok(uid)).then_some(name)
    })
}

/// The number of a group, by its name or as a number.
pub fn group_id(name: &str) -> Option<u32> {
    let groups = std::fs::read_to_string("/etc/group").unwrap_or_default();
    let known = groups.lines().find_map(|line| {
        let mut fields = line.split(':');
        (fields.next()? == name).then(|| fields.nth(1)?.parse().ok())?
    });
    known.or_else(|| name.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::net::UnixStream;

    #[test]
    fn names_come_from_passwd() {
        let passwd = "root:x:0:0:root:/root:/bin/sh\nbad line\nline1:x:1001:100::/var/lib/line1:/bin/sh\n";
        assert_eq!(
            (named(passwd, 1001), named(passwd, 0), named(passwd, 7)),
            (Some("line1"), Some("root"), None)
        );
        assert_eq!(group_id("4711"), Some(4711));
        assert_eq!(group_id("no such group"), None);
    }

    #[test]
    fn the_kernel_says_who_it_is() {
        let (here, _there) = UnixStream::pair().unwrap();
        let Peer::Local(process) = Peer::of(&here).unwrap() else { panic!("it is no network") };
        assert_eq!(process.pid, std::process::id() as i32);
        assert_eq!(process.uid, rustix::process::getuid().as_raw());
    }

    #[test]
    fn everybody_is_written_as_who_he_is() {
        let text = |peer: &Peer| (serde_json::to_string(peer).unwrap(), peer.to_string());
        let local = Peer::Local(Process { user: "line1".into(), uid: 1001, pid: 4 });
        assert_eq!(
            text(&local),
            (r#"{"user":"line1","uid":1001,"pid":4}"#.into(), "line1 (process 4)".into())
        );
        let remote = Peer::remote(Some("maria".into()), "[::ffff:192.168.1.7]:5050".parse().unwrap());
        assert_eq!(
            text(&remote),
            (r#"{"token":"maria","address":"192.168.1.7:5050"}"#.into(), "maria (192.168.1.7:5050)".into())
        );
        let unknown = Peer::remote(None, "[fe80::1]:7".parse().unwrap());
        assert_eq!(text(&unknown), (r#"{"address":"[fe80::1]:7"}"#.into(), "unknown ([fe80::1]:7)".into()));
        for peer in [local, remote, unknown] {
            assert_eq!(serde_json::from_str::<Peer>(&text(&peer).0).unwrap(), peer);
        }
    }
}
