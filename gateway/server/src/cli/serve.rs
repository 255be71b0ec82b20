//! `pmh serve`, `pmh config check`, `pmh migrate`.

use std::{path::PathBuf, process::ExitCode};

use anyhow::Result;
use tokio_util::sync::CancellationToken;

use super::output::line;
use crate::{
    config::Config,
    runtime::{self, Running},
    witness_role::{Opened, WitnessConfig},
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

/// Arguments of `serve`.
#[derive(Debug, clap::Args)]
pub struct ServeArgs {
    #[command(flatten)]
    config: Args,
    /// `witness` cosigns partners' logs; its configuration is a file of its own (witness.example.toml).
    #[arg(long, default_value = "all")]
    role: ServedRole,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum ServedRole {
    /// Auth and gateway.
    All,
    /// A witness.
    Witness,
}

/// Serves until SIGTERM, then drains.
pub async fn serve(args: ServeArgs) -> Result<ExitCode> {
    match args.role {
        ServedRole::All => gateway(args.config).await,
        ServedRole::Witness => witness(args.config).await,
    }
}

async fn witness(args: Args) -> Result<ExitCode> {
    let opened = Opened::open(&WitnessConfig::load(&args.config)?).await?;
    line(format_args!("listening on {}\nwitness key {}", opened.address, opened.key));
    let stop = CancellationToken::new();
    let served = tokio::spawn(opened.serve(stop.clone()));
    runtime::told_to_stop().await?;
    stop.cancel();
    served.await?;
    Ok(ExitCode::SUCCESS)
}

async fn gateway(args: Args) -> Result<ExitCode> {
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
