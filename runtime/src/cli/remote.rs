//! Arguments of what reaches a cell over a network, and lets it be reached.

use crate::control::remote::{fingerprint::Fingerprint, token::Right};
use clap::{Args, Subcommand, ValueHint};
use std::{net::SocketAddr, path::PathBuf};

/// The machine that is meant, where it is another one than this.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Over a network")]
pub struct Reach {
    /// A machine noted with `sensai host add`, or HOST:PORT
    #[arg(long, value_name = "HOST", conflicts_with_all = ["cell", "socket"])]
    pub host: Option<String>,
    /// Fingerprint of its certificate, as `sensai access show` tells it there
    #[arg(long, value_name = "SHA256", requires = "host", conflicts_with = "ca")]
    pub fingerprint: Option<Fingerprint>,
    /// Certificates (PEM) of who vouches for it, in the place of a fingerprint
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, requires = "host")]
    pub ca: Option<PathBuf>,
    /// File that has the token, mode 0600 (default: as noted, else the variable SENSAI_TOKEN)
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, requires = "host")]
    pub token_file: Option<PathBuf>,
}

/// The way in of `sensai run`.
#[derive(Clone, Debug, Args)]
pub struct Listen {
    /// Let the cell also be reached over a network at this address of this computer, such as 192.168.1.10:7443, with TLS and a
    /// token (see `sensai access`; default: nowhere). Who connects is kept in LOG.audit
    #[arg(long, value_name = "ADDRESS:PORT", conflicts_with = "no_control", requires = "log")]
    pub listen: Option<SocketAddr>,
    /// Where the key, the certificate and the tokens are (default: as `sensai access`)
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath, requires = "listen")]
    pub access: Option<PathBuf>,
}

/// `sensai access …`
#[derive(Debug, Args)]
pub struct Access {
    /// Where the key, the certificate and the tokens are (default: $XDG_CONFIG_HOME/sensai/access, else
    /// ~/.config/sensai/access)
    #[arg(long, value_name = "DIR", global = true, value_hint = ValueHint::DirPath)]
    pub dir: Option<PathBuf>,
    /// As JSON on standard output
    #[arg(long, global = true)]
    pub json: bool,
    /// What to do
    #[command(subcommand)]
    pub command: AccessCommand,
}

/// Commands of `sensai access`.
#[derive(Debug, Subcommand)]
pub enum AccessCommand {
    /// Make a key and a certificate for this computer
    Init {
        /// A host name or an address that the certificate is for, for those who go by names; may be given several times (default:
        /// the host name, and localhost)
        #[arg(long, value_name = "NAME")]
        name: Vec<String>,
        /// In the place of the key that is there: everybody has to be told the new fingerprint
        #[arg(long)]
        renew: bool,
    },
    /// Show where everything is, and the fingerprint that clients need
    Show,
    /// Make a token, and show it: once
    Grant {
        /// Who gets it; stands in the audit file with everything that is done with it
        name: String,
        /// What it allows
        #[arg(long, value_enum)]
        right: Right,
        /// For how many days (default: until it is revoked)
        #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=36_500))]
        days: Option<u32>,
        /// Write it into this file, mode 0600, and do not show it
        #[arg(long, short, value_name = "FILE", value_hint = ValueHint::FilePath)]
        out: Option<PathBuf>,
    },
    /// List tokens
    List,
    /// Take a token back: who is connected with it is put out
    Revoke {
        /// Its name
        name: String,
    },
}

/// `sensai host …`
#[derive(Debug, Subcommand)]
pub enum Host {
    /// Note a machine under a name, with its fingerprint and a token
    Add(HostAdd),
    /// List the machines that are noted
    List {
        /// As JSON on standard output
        #[arg(long)]
        json: bool,
    },
    /// Forget a machine, and its token
    Remove {
        /// Its name
        name: String,
    },
}

/// `sensai host add`
#[derive(Debug, Args)]
pub struct HostAdd {
    /// What it is to be called
    pub name: String,
    /// Where its runtime listens, HOST:PORT
    pub address: String,
    /// Fingerprint of its certificate, as `sensai access show` tells it there
    #[arg(long, value_name = "SHA256", required_unless_present = "ca", conflicts_with = "ca")]
    pub fingerprint: Option<Fingerprint>,
    /// Certificates (PEM) of who vouches for it, in the place of a fingerprint
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub ca: Option<PathBuf>,
    /// File that has the token (default: the variable SENSAI_TOKEN, else standard input); it is copied
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub token_file: Option<PathBuf>,
}
