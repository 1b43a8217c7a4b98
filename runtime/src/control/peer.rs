//! Who is at the other end: what the kernel says, not what the client says.

use rustix::net::sockopt::socket_peercred;
use serde::{Deserialize, Serialize};
use std::{fmt, os::fd::AsFd};

/// The process at the other end, when it connected.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Peer {
    /// Name of its user; the number as text if it has none.
    pub user: String,
    /// Number of its user.
    pub uid: u32,
    /// Its process.
    pub pid: i32,
}

impl Peer {
    /// This process itself.
    pub fn own() -> Self {
        let uid = rustix::process::getuid().as_raw();
        Self { user: user_name(uid), uid, pid: std::process::id().cast_signed() }
    }

    /// Of a connected Unix socket.
    ///
    /// # Errors
    /// If the kernel does not say.
    pub fn of(socket: impl AsFd) -> std::io::Result<Self> {
        let credentials = socket_peercred(socket)?;
        let uid = credentials.uid.as_raw();
        Ok(Self { user: user_name(uid), uid, pid: credentials.pid.as_raw_pid() })
    }
}

impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (process {})", self.user, self.pid)
    }
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
        let peer = Peer::of(&here).unwrap();
        assert_eq!(peer.pid, std::process::id() as i32);
        assert_eq!(peer.uid, rustix::process::getuid().as_raw());
    }
}
