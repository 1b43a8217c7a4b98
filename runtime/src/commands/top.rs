//! `sensai top`

use crate::{cli::Top, top};
use std::process::ExitCode;

/// Show a running cell until the user has seen enough.
pub fn run(arguments: &Top) -> anyhow::Result<ExitCode> {
    top::run(arguments)
}
