//! `pmh municipality checkups`: the empty file, a batch that waits or was wrong, and what is kept of a resident.

use std::io::{Write as _, stdout};
use std::process::ExitCode;

use anyhow::Result;
use pmh_domain::checkup::kind::CheckupKind;
use pmh_domain::checkup::record::RawCheckup;
use pmh_domain::time::tokyo_date;
use pmh_intake::{checkup_cells, checkup_template};
use pmh_proto::checkup::{ConfirmBatchRequest, ListCheckupsRequest, UndoBatchRequest, UndoBatchResponse};
use serde_json::json;

use super::follow_ups;
use crate::cli::counter::Trouble;
use crate::cli::counter::access::{Access, AccessArgs};
use crate::cli::issuer::{checkup_rows, watermark::refused};
use crate::cli::output::{LanguageArgs, json as print_json, line};
use crate::sandbox::uuid;
use crate::system;

/// What to do.
#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Write an empty CSV file for a kind of checkup (m18, pregnancy, …), with comments, to standard output.
    Template {
        /// Kind, as in the column checkup_kind.
        #[arg(value_parser = kind)]
        kind: CheckupKind,
    },
    /// A held batch is right: its rows count now.
    Confirm(BatchArgs),
    /// Take a batch back, within seven days.
    Undo(BatchArgs),
    /// Checkups that ask for something and that nobody has closed.
    FollowUps(follow_ups::ListArgs),
    /// Say what came of a follow-up.
    Close(follow_ups::CloseArgs),
    /// What is kept of a resident, as the CSV that `push checkups` reads.
    Export {
        /// 宛名番号.
        resident_key: String,
        #[command(flatten)]
        access: AccessArgs,
    },
}

/// A batch of ours.
#[derive(Debug, clap::Args)]
pub(super) struct BatchArgs {
    /// UUID, as `push checkups` told it.
    batch_id: uuid::Uuid,
    #[command(flatten)]
    access: AccessArgs,
    /// One JSON object.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    language: LanguageArgs,
}

/// Runs it.
pub(super) async fn run(command: Command) -> Result<ExitCode> {
    match command {
        Command::Template { kind } => {
            write(checkup_template(kind, tokyo_date(system::now()?)).as_bytes())?;
            Ok(ExitCode::SUCCESS)
        }
        Command::Confirm(args) => {
            let access = args.access.place()?.access(None)?;
            match confirm(&access, args.batch_id).await {
                Ok(()) => {
                    let said = ("確認しました。".to_owned(), "Confirmed.".to_owned());
                    told(&args, &json!({ "ok": true, "state": "ACCEPTED" }), said)
                }
                Err(trouble) => refused(trouble, args.json),
            }
        }
        Command::Undo(args) => {
            let access = args.access.place()?.access(None)?;
            match undo(&access, args.batch_id).await {
                Ok(undone) => told(&args, &document(&undone), words(&undone)),
                Err(trouble) => refused(trouble, args.json),
            }
        }
        Command::FollowUps(args) => follow_ups::list(&args).await,
        Command::Close(args) => follow_ups::close(&args).await,
        Command::Export { resident_key, access } => {
            let access = access.place()?.access(None)?;
            match own_checkups(&access, resident_key).await {
                Ok(records) => {
                    write(&file(&records)?)?;
                    Ok(ExitCode::SUCCESS)
                }
                Err(trouble) => refused(trouble, false),
            }
        }
    }
}

fn kind(text: &str) -> std::result::Result<CheckupKind, String> {
    let names = || CheckupKind::ALL.map(CheckupKind::name).join(", ");
    CheckupKind::ALL.into_iter().find(|kind| kind.name() == text).ok_or_else(|| format!("one of {}", names()))
}

async fn confirm(access: &Access, batch_id: uuid::Uuid) -> std::result::Result<(), Trouble> {
    let request = ConfirmBatchRequest { idempotency_key: uuid(), batch_id: batch_id.to_string() };
    access.issuer().await?.gateway().call(&request, None).await?;
    Ok(())
}

async fn undo(access: &Access, batch_id: uuid::Uuid) -> std::result::Result<UndoBatchResponse, Trouble> {
    let request = UndoBatchRequest { idempotency_key: uuid(), batch_id: batch_id.to_string() };
    Ok(access.issuer().await?.gateway().call(&request, None).await?.response)
}

/// What we sent of a resident and what counts of it.
pub(crate) async fn own_checkups(
    access: &Access,
    resident_key: String,
) -> std::result::Result<Vec<RawCheckup>, Trouble> {
    let issuer = access.issuer().await?;
    let mut request = ListCheckupsRequest { resident_key, ..Default::default() };
    let mut records = Vec::new();
    loop {
        let page = issuer.gateway().call(&request, None).await?.response;
        // What institutions sent is theirs to send again.
        let own = page.checkups.into_iter().filter_map(|read| read.record);
        let own = own.filter(|record| !record.record_id.is_empty());
        records.extend(own.map(checkup_rows::raw));
        if page.next_page_token.is_empty() {
            return Ok(records);
        }
        request.page_token = page.next_page_token;
    }
}

fn file(records: &[RawCheckup]) -> Result<Vec<u8>> {
    let mut file = csv::Writer::from_writer(Vec::new());
    for cells in checkup_cells(records) {
        file.write_record(cells)?;
    }
    Ok(file.into_inner().map_err(csv::IntoInnerError::into_error)?)
}

fn document(undone: &UndoBatchResponse) -> serde_json::Value {
    json!({
        "ok": undone.superseded == 0,
        "restored": undone.restored,
        "superseded": undone.superseded,
        "superseded_record_ids": undone.superseded_record_ids,
    })
}

fn words(undone: &UndoBatchResponse) -> (String, String) {
    let (restored, superseded) = (undone.restored, undone.superseded);
    let ja = format!("{restored}件を元に戻しました。後の版があるため戻さなかったもの: {superseded}件");
    let en =
        format!("{restored} records restored; {superseded} stay because a later version rests upon them.");
    (ja, en)
}

fn told(args: &BatchArgs, document: &serde_json::Value, (ja, en): (String, String)) -> Result<ExitCode> {
    if args.json {
        print_json(document)?;
    } else {
        line(args.language.language().pick(ja, en));
    }
    Ok(ExitCode::SUCCESS)
}

/// As it is: a file is not a text for a screen.
fn write(bytes: &[u8]) -> Result<()> {
    Ok(stdout().lock().write_all(bytes)?)
}
