//! `pmh serve`, `pmh config check`, `pmh migrate`.

use std::{path::PathBuf, process::ExitCode};

use anyhow::Result;

use super::output::line;
use crate::{
    config::Config,
    runtime::{self, Running},
};

/// Arguments of `serve` and `migrate`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Configuration.
    #[arg(long, env = "PMH_CONFIG", default_value = "pmh.toml")]
    config: PathBuf,
}

/// Arguments of `config`.
#[derive(Debug, clap::Args)]
pub struct ConfigArgs {
    #[command(subcommand)]
    command: ConfigCommand,
}

#[derive(Debug, clap::Subcommand)]
enum ConfigCommand {
    /// Reads the file, every certificate, key and list it names, and both databases.
    Check(Args),
}

/// Serves until SIGTERM, then drains.
pub async fn serve(args: Args) -> Result<ExitCode> {
    let running = Running::start(&Config::load(&args.config)?).await?;
    line(format_args!("listening on {}", running.address));
    running.until_signal().await?;
    Ok(ExitCode::SUCCESS)
}

/// Says whether `serve` would start.
pub async fn check(args: ConfigArgs) -> Result<ExitCode> {
    let ConfigCommand::Check(args) = args.command;
    let config = Config::load(&args.config)?;
    let gateway = runtime::open(&config).await?;
    let (log, auth) = gateway.log_keys();
    line(format_args!(
        "ok\n  listen    {}\n  issuer    {}\n  log       {log}\n  auth log  {auth}",
        config.listen, config.issuer
    ));
    Ok(ExitCode::SUCCESS)
}

/// Migrates both databases.
pub async fn migrate(args: Args) -> Result<ExitCode> {
    runtime::migrate(&Config::load(&args.config)?).await?;
    line("both databases are at this program's schema");
    Ok(ExitCode::SUCCESS)
}
