//! A network namespace with a veth pair in it: a bus of two ends that nothing else on the machine can see.

use crate::harness::{Profile, sensai, tool, workspace};
use std::{
    ffi::OsStr,
    path::{Path, PathBuf},
    process::Command,
    sync::atomic::{AtomicU32, Ordering},
};

/// Lives as long as this value; dropping it kills what still runs in it.
#[derive(Debug)]
pub struct Namespace {
    name: String,
    ip: PathBuf,
}

impl Namespace {
    /// The end for the MainDevice.
    pub const MAIN: &'static str = "bus0";
    /// The end for the segment.
    pub const SEGMENT: &'static str = "bus1";

    /// A fresh one with both ends up.
    ///
    /// # Errors
    /// Why not, in words for [`crate::skip!`]: `ip` is missing, or the privileges are.
    pub fn new() -> Result<Self, String> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let ip = tool("ip")?;
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        if number == 0 {
            remove_orphans(&ip);
        }
        let name = format!("{PREFIX}{}-{number}", std::process::id());
        run(&ip, &["netns", "add", &name]).map_err(|why| format!("no network namespace: {why}"))?;
        let namespace = Self { name, ip };
        namespace.connect().map_err(|why| format!("no veth pair: {why}"))?;
        Ok(namespace)
    }

    fn connect(&self) -> Result<(), String> {
        let name = self.name.as_str();
        // Without this the kernel's neighbour discovery talks on the bus.
        let quiet = "echo 1 > /proc/sys/net/ipv6/conf/all/disable_ipv6; echo 1 > /proc/sys/net/ipv6/conf/default/disable_ipv6";
        let _ = self.command("sh").args(["-c", quiet]).output();
        self.ip(&[
            "-n",
            name,
            "link",
            "add",
            "name",
            Self::MAIN,
            "type",
            "veth",
            "peer",
            "name",
            Self::SEGMENT,
        ])?;
        for end in [Self::MAIN, Self::SEGMENT] {
            self.ip(&["-n", name, "link", "set", "dev", end, "up"])?;
        }
        Ok(())
    }

    /// A program in this namespace; its process id is the program's own.
    pub fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(&self.ip);
        command.args(["netns", "exec", &self.name]).arg(program);
        command.env("XDG_RUNTIME_DIR", crate::harness::place_for_sockets());
        command
    }

    /// `sensai` in this namespace, with its first arguments.
    pub fn sensai(&self, arguments: &[&str]) -> Command {
        let mut command = self.command(sensai(Profile::Release));
        command.current_dir(workspace()).env_remove("RUST_BACKTRACE").args(arguments);
        command
    }

    /// Whether a process listens on an end with a packet socket.
    pub fn has_packet_socket(&self, end: &str) -> bool {
        let script = format!("cat /sys/class/net/{end}/ifindex; cat /proc/net/packet");
        let Ok(output) = self.command("sh").args(["-c", &script]).output() else { return false };
        let text = String::from_utf8_lossy(&output.stdout);
        let mut lines = text.lines();
        let index = lines.next().unwrap_or_default();
        // sk RefCnt Type Proto Iface R Rmem User Inode
        lines.skip(1).any(|line| line.split_whitespace().nth(4) == Some(index))
    }

    /// Take an end down, as when the cable is pulled, or up again.
    ///
    /// # Panics
    /// There is no such end.
    #[track_caller]
    pub fn set_link(&self, end: &str, state: LinkState) {
        let state = match state {
            LinkState::Up => "up",
            LinkState::Down => "down",
        };
        let set = self.ip(&["-n", &self.name, "link", "set", "dev", end, state]);
        assert_eq!(set, Ok(()), "{end} cannot be set {state}");
    }

    fn ip(&self, words: &[&str]) -> Result<(), String> {
        run(&self.ip, words)
    }
}

/// Before the process id in a namespace's name.
const PREFIX: &str = "sensai-test-";

fn run(ip: &Path, words: &[&str]) -> Result<(), String> {
    let output = Command::new(ip).args(words).output().map_err(|error| error.to_string())?;
    if output.status.success() {
        return Ok(());
    }
    Err(String::from_utf8_lossy(&output.stderr).trim().to_owned())
}

/// Namespaces of test processes that were killed before they could tidy up.
fn remove_orphans(ip: &Path) {
    let Ok(output) = Command::new(ip).arg("netns").output() else { return };
    for line in String::from_utf8_lossy(&output.stdout).lines() {
        let Some(name) = line.split_whitespace().next() else { continue };
        let owner = name.strip_prefix(PREFIX).and_then(|rest| rest.split_once('-')).map(|(owner, _)| owner);
        if owner.is_some_and(|owner| !Path::new("/proc").join(owner).exists()) {
            take_down(ip, name);
        }
    }
}

/// A namespace lives on while a process is in it.
fn take_down(ip: &Path, name: &str) {
    if let Ok(output) = Command::new(ip).args(["netns", "pids", name]).output() {
        for process in String::from_utf8_lossy(&output.stdout).split_whitespace() {
            let _ = Command::new("kill").args(["-KILL", process]).output();
        }
    }
    let _ = run(ip, &["netns", "delete", name]);
}

/// Of one end of the pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkState {
    /// Frames pass.
    Up,
    /// Frames are lost.
    Down,
}

impl Drop for Namespace {
    fn drop(&mut self) {
        take_down(&self.ip, &self.name);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        clock::wait_for,
        harness::{RUN_LIMIT, Running, output_of},
        skip,
    };
    use std::time::Duration;

    fn listed(name: &str) -> bool {
        let output = output_of(Command::new("ip").arg("netns"), RUN_LIMIT);
        output.stdout.lines().any(|line| line.split_whitespace().next() == Some(name))
    }

    #[test]
    fn both_ends_are_up_and_all_is_gone_afterwards() {
        let namespace = match Namespace::new() {
            Ok(namespace) => namespace,
            Err(why) => skip!("{why}"),
        };
        let name = namespace.name.clone();
        assert!(listed(&name));
        let carrier = || {
            let file = format!("/sys/class/net/{}/operstate", Namespace::SEGMENT);
            output_of(namespace.command("cat").arg(file), RUN_LIMIT).stdout.trim().to_owned()
        };
        let becomes = |state: &str| wait_for(Duration::from_secs(5), || (carrier() == state).then_some(()));
        assert!(becomes("up").is_some(), "{}", carrier());
        namespace.set_link(Namespace::MAIN, LinkState::Down);
        assert!(becomes("lowerlayerdown").is_some(), "{}", carrier());

        let mut left = Running::start(namespace.command("sleep").arg("100"));
        // `ip` enters the namespace before it becomes `sleep`.
        let entered = || {
            let output = Command::new("ip").args(["netns", "pids", &name]).output().ok()?;
            String::from_utf8_lossy(&output.stdout).contains(&left.0.id().to_string()).then_some(())
        };
        assert!(wait_for(Duration::from_secs(5), entered).is_some());
        drop(namespace);
        assert!(!listed(&name));
        let ended = wait_for(Duration::from_secs(5), || left.0.try_wait().ok().flatten());
        assert!(ended.is_some(), "a process outlived its namespace");
    }

    #[test]
    fn an_orphan_is_removed() {
        let mut ended = Command::new("true").spawn().expect("true starts");
        ended.wait().expect("true ends");
        let Ok(ip) = tool("ip") else { skip!("ip is not installed") };
        let orphan = format!("{PREFIX}{}-0", ended.id());
        if let Err(why) = run(&ip, &["netns", "add", &orphan]) {
            skip!("{why}")
        }
        remove_orphans(&ip);
        assert!(!listed(&orphan));
    }

    #[test]
    fn two_live_side_by_side() {
        let (Ok(first), Ok(second)) = (Namespace::new(), Namespace::new()) else {
            skip!("network namespaces cannot be made here")
        };
        assert_ne!(first.name, second.name);
    }
}
