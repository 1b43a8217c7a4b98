//! `sensai host`: the machines that this user reaches over a network; and which one a command is for.

use crate::{
    cli::{Host, HostAdd, Reach},
    control::{
        client::{self, Target},
        remote::{
            TOKEN_VARIABLE,
            hosts::{Asked, Hosts, Noted, parse_token, read_token},
            token::Secret,
        },
    },
};
use anyhow::Context;
use serde_json::json;
use std::{
    io::{IsTerminal, Read},
    path::Path,
    process::ExitCode,
};

/// Note, list, forget.
pub fn run(command: &Host) -> anyhow::Result<ExitCode> {
    let mut hosts = Hosts::of_user()?;
    let text = match command {
        Host::Add(arguments) => {
            let secret = secret(arguments)?;
            let ca = arguments.ca.as_deref().map(std::path::absolute).transpose()?;
            let fingerprint = arguments.fingerprint.map(|fingerprint| fingerprint.to_string());
            let noted = Noted { address: arguments.address.clone(), fingerprint, ca, token_file: None };
            hosts.add(&arguments.name, noted, &secret)?;
            let name = &arguments.name;
            format!("{name} is noted; look with `sensai ctl --host {name} status`\n")
        }
        Host::List { json: true } => {
            let list: serde_json::Map<_, _> =
                hosts.iter().map(|(name, noted)| (name.to_owned(), json!(noted))).collect();
            format!("{}\n", serde_json::to_string_pretty(&list)?)
        }
        Host::List { json: false } => {
            let line = |(name, noted): (&str, Noted)| {
                let ca = noted.ca.as_ref().map(|ca| format!("vouched for by {}", ca.display()));
                let known = noted.fingerprint.or(ca).unwrap_or_default();
                format!("{name:<24} {:<24} {known}\n", noted.address)
            };
            let lines: String = hosts.iter().map(line).collect();
            if lines.is_empty() { "no machines: note one with `sensai host add`\n".into() } else { lines }
        }
        Host::Remove { name } => {
            hosts.remove(name)?;
            format!("{name} is forgotten\n")
        }
    };
    super::say(&text);
    Ok(ExitCode::SUCCESS)
}

/// Never from the command line: others on this computer can read that.
fn secret(arguments: &HostAdd) -> anyhow::Result<Secret> {
    if let Some(file) = &arguments.token_file {
        return read_token(file);
    }
    if let Ok(text) = std::env::var(TOKEN_VARIABLE) {
        return parse_token(&text).context(TOKEN_VARIABLE);
    }
    if std::io::stdin().is_terminal() {
        eprintln!("the token, then Enter:");
    }
    let mut text = String::new();
    // One line is enough; nobody has to say that nothing more comes.
    let mut limited = std::io::BufReader::new(std::io::stdin().lock().take(1024));
    std::io::BufRead::read_line(&mut limited, &mut text).context("cannot read standard input")?;
    parse_token(&text).context("standard input")
}

/// The runtime that a command is for.
pub fn target(reach: &Reach, socket: Option<&Path>, cell: Option<&Path>) -> anyhow::Result<Target> {
    let Some(host) = &reach.host else { return client::find(socket, cell).map(Target::Socket) };
    let asked = Asked {
        host,
        fingerprint: reach.fingerprint,
        ca: reach.ca.as_deref(),
        token_file: reach.token_file.as_deref(),
    };
    let variable = std::env::var(TOKEN_VARIABLE).ok();
    Ok(Target::Host(Box::new(Hosts::of_user()?.find(asked, variable)?)))
}
