//! `pmh municipality tickets`: the empty file.

use std::io::{Write as _, stdout};
use std::process::ExitCode;

use anyhow::Result;
use pmh_intake::ticket_template;

/// What to do.
#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Write an empty CSV file of tickets, with comments, to standard output.
    Template,
}

/// Runs it.
pub(super) fn run(command: &Command) -> Result<ExitCode> {
    match command {
        Command::Template => stdout().lock().write_all(ticket_template().as_bytes())?,
    }
    Ok(ExitCode::SUCCESS)
}
