//! `pmh municipality`: what a municipality's office for vaccination and checkups does.

mod births;
mod checkups;
mod follow_ups;
mod handoff;
mod sessions;
mod tickets;

pub(super) use checkups::own_checkups;

use std::process::ExitCode;

use anyhow::Result;

use super::issuer::push;

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
    /// Checkups: the empty file, batches, what is kept.
    #[command(subcommand)]
    Checkups(checkups::Command),
    /// Tickets (受診券・補助券): the empty file.
    #[command(subcommand)]
    Tickets(tickets::Command),
    /// Group checkups (集団健診): the empty file, places and waiting lists.
    #[command(subcommand)]
    Sessions(sessions::Command),
    /// Births told by facilities: what is known, and which resident a child is.
    #[command(subcommand)]
    Births(births::Command),
    /// Handoffs between home and the municipality of a stay (里帰り出産).
    #[command(subcommand)]
    Handoff(handoff::Command),
}

#[derive(Debug, clap::Subcommand)]
enum Push {
    /// Past doses, as the vaccination register (予防接種台帳) exports them.
    Doses(push::Args),
    /// Checkups of mothers and children (健診); `--dry-run` tells what would change. Exit 1 also if the batch is held.
    Checkups(push::Args),
    /// Tickets (受診券・補助券), one a row.
    Tickets(push::Args),
    /// Days of group checkups (集団健診) with their places; a group whose places were fewer than its families is refused.
    Sessions(push::Args),
}

/// Runs it.
pub async fn run(args: Args) -> Result<ExitCode> {
    match args.command {
        Command::Push(Push::Doses(args)) => push::run(push::What::Doses, &args).await,
        Command::Push(Push::Checkups(args)) => push::run(push::What::Checkups, &args).await,
        Command::Push(Push::Tickets(args)) => push::run(push::What::Tickets, &args).await,
        Command::Push(Push::Sessions(args)) => push::run(push::What::Sessions, &args).await,
        Command::Checkups(command) => checkups::run(command).await,
        Command::Tickets(command) => tickets::run(&command),
        Command::Sessions(command) => sessions::run(command).await,
        Command::Births(command) => births::run(command).await,
        Command::Handoff(command) => handoff::run(command).await,
    }
}
