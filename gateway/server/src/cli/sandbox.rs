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
    /// A further witness of the logs: its URL, a space, its verifier key.
    #[arg(long = "witness", value_parser = url_and_key)]
    witnesses: Vec<(String, String)>,
}

/// Serves until SIGTERM.
pub async fn run(args: Args) -> Result<ExitCode> {
    let limits = args.limits.map(std::fs::read_to_string).transpose().context("--limits")?;
    let options = SandboxOptions { dir: args.dir, listen: args.listen, limits, witnesses: args.witnesses };
    let running = Box::pin(open(&options)).await?;
    line(format_args!("listening on {}", running.gateway.address));
    line(format_args!("described in {}", running.dir.join("sandbox.json").display()));
    running.gateway.until_signal().await?;
    Ok(ExitCode::SUCCESS)
}

fn url_and_key(text: &str) -> Result<(String, String), &'static str> {
    text.split_once(' ')
        .map(|(url, key)| (url.to_owned(), key.to_owned()))
        .ok_or("not a URL and a verifier key with a space between")
}
