//! `pmh sandbox`: the invented world for a vendor's own program.

use std::{path::PathBuf, process::ExitCode};

use anyhow::{Context as _, Result};

use super::output::line;
use crate::sandbox::{SandboxOptions, open};

/// Arguments.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Directory of the sandbox; made and filled if it is new.
    #[arg(long)]
    dir: PathBuf,
    /// Where to listen; port 0 is any.
    #[arg(long, default_value = "127.0.0.1:0")]
    listen: String,
    /// TOML file with the keys of an `[edge]` section, to run with other limits.
    #[arg(long)]
    limits: Option<PathBuf>,
}

/// Serves until SIGTERM.
pub async fn run(args: Args) -> Result<ExitCode> {
    let limits = args.limits.map(std::fs::read_to_string).transpose().context("--limits")?;
    let running = open(&SandboxOptions { dir: args.dir, listen: args.listen, limits }).await?;
    line(format_args!("listening on {}", running.gateway.address));
    line(format_args!("described in {}", running.dir.join("sandbox.json").display()));
    running.gateway.until_signal().await?;
    Ok(ExitCode::SUCCESS)
}
