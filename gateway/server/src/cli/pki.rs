//! `pmh pki`.

use std::process::ExitCode;

use anyhow::Result;

/// Arguments.
#[derive(Debug, clap::Args)]
pub struct Args {}

/// Runs it.
pub fn run(_: Args) -> Result<ExitCode> {
    anyhow::bail!("not in this version yet")
}
