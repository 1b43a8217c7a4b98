//! `sensai access`: who may reach the cells of this computer over a network.

use crate::{
    cli::{Access, AccessCommand},
    control::{
        audit,
        remote::{
            directory::{Directory, own_names},
            fingerprint::Fingerprint,
            secret_file,
            token::{Closed, Token},
        },
    },
};
use serde_json::json;
use std::process::ExitCode;

/// Make, show, list and revoke.
pub fn run(arguments: &Access) -> anyhow::Result<ExitCode> {
    let directory = Directory::at(arguments.dir.as_deref())?;
    let text = match &arguments.command {
        AccessCommand::Init { name, renew } => {
            let names = if name.is_empty() { own_names() } else { name.clone() };
            let fingerprint = directory.init(&names, *renew)?;
            if arguments.json {
                shown_as_json(&directory, fingerprint)
            } else {
                begun(&directory, fingerprint)
            }
        }
        AccessCommand::Show => {
            let fingerprint = directory.fingerprint()?;
            if arguments.json {
                shown_as_json(&directory, fingerprint)
            } else {
                shown(&directory, fingerprint)
            }
        }
        AccessCommand::Grant { name, right, days, out } => {
            let secret = directory.grant(name, *right, *days)?;
            match out {
                Some(path) => {
                    let written =
                        secret_file::write(path, format!("{}\n", secret.reveal()).as_bytes(), 0o600);
                    if let Err(error) = written {
                        // Nobody has it: it is to open nothing.
                        directory.revoke(name)?;
                        return Err(error.into());
                    }
                    format!("the token `{name}` ({}) is in {}\n", right.name(), path.display())
                }
                None if arguments.json => format!("{}\n", json!({ "name": name, "token": secret.reveal() })),
                None => {
                    eprintln!("the token `{name}` ({}); nobody can show it again:", right.name());
                    format!("{}\n", secret.reveal())
                }
            }
        }
        AccessCommand::List => {
            let tokens = directory.tokens()?;
            if arguments.json {
                format!("{}\n", serde_json::to_string_pretty(&tokens)?)
            } else {
                let now = audit::utc_now();
                let lines: String = tokens.iter().map(|token| line(token, &now)).collect();
                if lines.is_empty() {
                    "no tokens: make one with `sensai access grant NAME --right read`\n".into()
                } else {
                    lines
                }
            }
        }
        AccessCommand::Revoke { name } => {
            directory.revoke(name)?;
            format!("the token `{name}` opens nothing any more\n")
        }
    };
    super::say(&text);
    Ok(ExitCode::SUCCESS)
}

fn begun(directory: &Directory, fingerprint: Fingerprint) -> String {
    format!(
        "{}then\n  sensai access grant NAME --right read\n  sensai run CELL --log LOG --listen ADDRESS:PORT\nand, where it is \
         reached from\n  sensai host add NAME ADDRESS:PORT --fingerprint {fingerprint}\n",
        shown(directory, fingerprint)
    )
}

fn shown(directory: &Directory, fingerprint: Fingerprint) -> String {
    format!(
        "fingerprint  {fingerprint}\ncertificate  {}\nkey          {}\ntokens       {}\n",
        directory.certificate_path().display(),
        directory.key_path().display(),
        directory.tokens_path().display()
    )
}

fn shown_as_json(directory: &Directory, fingerprint: Fingerprint) -> String {
    let document = json!({
        "fingerprint": fingerprint.to_string(),
        "certificate": directory.certificate_path(),
        "key": directory.key_path(),
        "tokens": directory.tokens_path(),
    });
    format!("{document}\n")
}

fn line(token: &Token, now: &str) -> String {
    let state = match (token.at(now), &token.expires) {
        (Err(Closed::Revoked { when, .. }), _) => format!("revoked {when}"),
        (Err(_), when) => format!("expired {}", when.as_deref().unwrap_or_default()),
        (Ok(_), Some(when)) => format!("until   {when}"),
        (Ok(_), None) => "until it is revoked".to_owned(),
    };
    format!("{:<24} {:<8} made {}  {state}\n", token.name, token.right.name(), token.created)
}
