//! `pmh demo`.

use std::process::ExitCode;

use anyhow::Result;

/// Arguments.
#[derive(Debug, clap::Args)]
pub struct Args {}

/// Runs it.
#[expect(clippy::unused_async, reason = "the command it becomes awaits")]
pub async fn run(_: Args) -> Result<ExitCode> {
    anyhow::bail!("not in this version yet")
}
