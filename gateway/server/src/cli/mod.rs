//! The command `pmh`. One file per subcommand; each reads like its own summary.

pub mod audit;
pub mod card;
pub mod codes;
pub mod counter;
pub mod demo;
pub mod growth;
pub mod issuer;
pub mod me;
mod mother_code;
pub mod municipality;
pub mod output;
pub mod pki;
pub mod sandbox;
pub mod serve;
pub mod vaccine;

use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

/// PMH-style gateway: subsidy eligibility over mutual TLS, with proof.
#[derive(Debug, Parser)]
#[command(version, about, propagate_version = true)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// The whole story on an embedded database, in three short chapters.
    Demo(demo::Args),
    /// The same world, kept running for a vendor's program until SIGTERM.
    Sandbox(sandbox::Args),
    /// Serve a gateway.
    Serve(serve::ServeArgs),
    /// Check a configuration without serving.
    Config(serve::ConfigArgs),
    /// Bring both databases to this program's schema.
    Migrate(serve::Args),
    /// A clinic's or pharmacy's counter.
    Counter(counter::Args),
    /// An issuer's office.
    Issuer(issuer::Args),
    /// A municipality's vaccination office.
    Municipality(municipality::Args),
    /// Who looked at my data: a citizen with the card.
    Me(me::Args),
    /// Verify proofs, offline; search the log as an auditor.
    Audit(audit::Args),
    /// Check the codes on a certificate.
    Codes(codes::Args),
    /// Vaccination rules and forecasts, offline.
    Vaccine(vaccine::Args),
    /// Where a child stands on the national growth curves, offline.
    Growth(growth::Args),
    /// Certificates for development. Never for production.
    Pki(pki::Args),
    /// The fake card.
    Card(card::Args),
}

/// Runs the command line. The exit code says whether it did what was asked.
pub async fn run(cli: Cli) -> Result<ExitCode> {
    match cli.command {
        Command::Demo(args) => demo::run(args).await,
        Command::Sandbox(args) => sandbox::run(args).await,
        Command::Serve(args) => serve::serve(args).await,
        Command::Config(args) => serve::check(args).await,
        Command::Migrate(args) => serve::migrate(args).await,
        Command::Counter(args) => counter::run(args).await,
        Command::Issuer(args) => issuer::run(args).await,
        Command::Municipality(args) => municipality::run(args).await,
        Command::Me(args) => me::run(args).await,
        Command::Audit(args) => audit::run(args).await,
        Command::Codes(args) => codes::run(args),
        Command::Vaccine(args) => vaccine::run(args),
        Command::Growth(args) => growth::run(&args),
        Command::Pki(args) => pki::run(args),
        Command::Card(args) => card::run(args),
    }
}
