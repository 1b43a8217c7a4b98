//! A network namespace with a veth pair, gone when dropped: the wire of measurements over real sockets.

use anyhow::Context;
use std::process::Command;

/// Ends of the pair inside the namespace.
pub const ENDS: [&str; 2] = ["main0", "sub0"];

/// The namespace.
#[derive(Debug)]
pub struct Namespace {
    name: String,
}

impl Namespace {
    /// Make it. Needs root.
    ///
    /// # Errors
    /// What `ip` says.
    pub fn new() -> anyhow::Result<Self> {
        let made = Self { name: format!("sensai-{}", std::process::id()) };
        ip(&["netns", "add", &made.name])?;
        made.ip(&["link", "add", ENDS[0], "type", "veth", "peer", "name", ENDS[1]])?;
        for end in ENDS {
            // No IPv6 chatter on the wire: only EtherCAT frames.
            made.ip(&["link", "set", end, "addrgenmode", "none", "up"])?;
        }
        Ok(made)
    }

    /// A command that runs inside.
    pub fn command(&self, program: &std::path::Path) -> Command {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &self.name]).arg(program);
        command
    }

    fn ip(&self, arguments: &[&str]) -> anyhow::Result<()> {
        let mut all = vec!["-n", &self.name];
        all.extend(arguments);
        ip(&all)
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        let _ = ip(&["netns", "delete", &self.name]);
    }
}

fn ip(arguments: &[&str]) -> anyhow::Result<()> {
    let output = Command::new("ip")
        .args(arguments)
        .output()
        .context("cannot run `ip`: install Debian's package iproute2")?;
    anyhow::ensure!(
        output.status.success(),
        "`ip {}` failed: {} (network namespaces need root)",
        arguments.join(" "),
        String::from_utf8_lossy(&output.stderr).trim()
    );
    Ok(())
}
