//! `pmh issuer`: what an issuer's office does.

pub(crate) mod checkup_rows;
mod diff;
mod dose_rows;
mod gate;
mod link;
pub(crate) mod push;
mod register;
mod report;
pub(crate) mod rows;
mod session_rows;
mod ticket_rows;
pub(crate) mod watermark;

use std::process::ExitCode;

use anyhow::Result;

/// Arguments.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Send a file row by row; sending it again changes nothing. Exit 1 if a row was refused.
    #[command(subcommand)]
    Push(Push),
    /// Say that the data of a scheme is complete up to an instant.
    Watermark(watermark::Args),
    /// Clinics' proposals that a card is one of our residents.
    #[command(subcommand)]
    Link(link::Command),
}

#[derive(Debug, clap::Subcommand)]
enum Push {
    /// Rights, as the municipality's system exports them.
    Entitlements(push::Args),
    /// Birth date and sex of the residents in the same export, which cards are linked to.
    Residents(push::Args),
}

/// Runs it.
pub async fn run(args: Args) -> Result<ExitCode> {
    match args.command {
        Command::Push(Push::Entitlements(args)) => push::run(push::What::Entitlements, &args).await,
        Command::Push(Push::Residents(args)) => push::run(push::What::Residents, &args).await,
        Command::Watermark(args) => watermark::run(&args).await,
        Command::Link(command) => link::run(&command).await,
    }
}
