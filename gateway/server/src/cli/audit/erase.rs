//! `pmh audit erase` and `pmh audit hold`: what the log is to forget, and what it must not.

use std::process::ExitCode;

use anyhow::Result;
use pmh_client::Gateway;
use pmh_domain::time::tokyo_minute;
use pmh_proto::audit::{
    EntryName, ErasePersonRequest, ErasePersonResponse, ErasureState, Log, PutLegalHoldRequest,
    ReleaseLegalHoldRequest, ResidentName, erase_person_request as erase, put_legal_hold_request as hold,
};
use serde_json::json;

use super::refused;
use crate::cli::counter::access::AccessArgs;
use crate::cli::output::{Language, LanguageArgs, json as print_json, line};
use crate::sandbox::uuid;

/// Arguments of `pmh audit erase`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    desk: Desk,
    #[command(flatten)]
    what: ToErase,
    /// Why: the provision and who asked. Not needed to agree.
    #[arg(long, required_unless_present = "agree", conflicts_with = "agree")]
    ground: Option<String>,
}

/// What to do with a hold.
#[derive(Debug, clap::Subcommand)]
pub(super) enum HoldCommand {
    /// Nothing of it may be erased, neither on request nor by age.
    Put(Box<Put>),
    /// It may again, as far as this hold goes.
    Release(Box<Release>),
}

#[derive(Debug, clap::Args)]
pub(super) struct Put {
    #[command(flatten)]
    desk: Desk,
    #[command(flatten)]
    what: ToHold,
    /// Why.
    #[arg(long)]
    ground: String,
}

#[derive(Debug, clap::Args)]
pub(super) struct Release {
    #[command(flatten)]
    desk: Desk,
    /// Which hold.
    hold_id: String,
}

/// Who we are, down to the person, and for which case.
#[derive(Debug, clap::Args)]
struct Desk {
    #[command(flatten)]
    access: AccessArgs,
    /// Your pseudonym, which your office alone can resolve.
    #[arg(long, value_name = "PSEUDONYM")]
    operator: String,
    /// The case in which it was decided.
    #[arg(long, value_name = "REFERENCE")]
    case: String,
    /// One JSON object.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    language: LanguageArgs,
}

/// What to erase, or whose request to agree to.
#[derive(Debug, clap::Args)]
#[group(required = true, multiple = false)]
struct ToErase {
    /// The content of this entry of the gateway's log.
    #[arg(long, value_name = "INDEX")]
    entry: Option<u64>,
    /// Everything about this resident: the issuer and its own key of them.
    #[arg(long, num_args = 2, value_names = ["ISSUER", "KEY"])]
    resident: Option<Vec<String>>,
    /// The request of another person, who was told this id.
    #[arg(long, value_name = "ERASURE_ID")]
    agree: Option<String>,
}

/// What to hold.
#[derive(Debug, clap::Args)]
#[group(required = true, multiple = false)]
struct ToHold {
    /// This entry of the gateway's log.
    #[arg(long, value_name = "INDEX")]
    entry: Option<u64>,
    /// Everything about this resident: the issuer and its own key of them.
    #[arg(long, num_args = 2, value_names = ["ISSUER", "KEY"])]
    resident: Option<Vec<String>>,
}

/// Runs `pmh audit erase`.
pub(super) async fn run(args: &Args) -> Result<ExitCode> {
    let request = ErasePersonRequest {
        idempotency_key: uuid(),
        what: Some(args.what.named()?),
        case_reference: args.desk.case.clone(),
        ground: args.ground.clone().unwrap_or_default(),
    };
    let answer = match args.desk.gateway(OPERATOR).await?.call(&request, None).await {
        Ok(answer) => answer,
        Err(error) => return refused(&error, args.desk.json),
    };
    if args.desk.json {
        print_json(&json!({
            "ok": true,
            "erasure_id": answer.response.erasure_id,
            "erased": answer.response.state() == ErasureState::Erased,
            "erased_entries": answer.response.erased_entries,
            "entry": answer.proof.index,
        }))?;
    } else {
        line(said(&answer.response, answer.proof.index, args.desk.language.language()));
    }
    Ok(ExitCode::SUCCESS)
}

/// Runs `pmh audit hold`.
pub(super) async fn run_hold(command: &HoldCommand) -> Result<ExitCode> {
    match command {
        HoldCommand::Put(args) => put(args).await,
        HoldCommand::Release(args) => release(args).await,
    }
}

async fn put(args: &Put) -> Result<ExitCode> {
    let request = PutLegalHoldRequest {
        idempotency_key: uuid(),
        what: Some(args.what.named()?),
        case_reference: args.desk.case.clone(),
        ground: args.ground.clone(),
    };
    let answer = match args.desk.gateway(AUDITOR).await?.call(&request, None).await {
        Ok(answer) => answer,
        Err(error) => return refused(&error, args.desk.json),
    };
    let (id, index) = (&answer.response.hold_id, answer.proof.index);
    if args.desk.json {
        print_json(&json!({ "ok": true, "hold_id": id, "entry": index }))?;
    } else {
        line(args.desk.language.language().pick(
            format!("消去を禁止しました（番号{index}に記録）。解除するときの番号: {id}"),
            format!("Held (entry {index}): nothing of it may be erased. To release it: {id}"),
        ));
    }
    Ok(ExitCode::SUCCESS)
}

async fn release(args: &Release) -> Result<ExitCode> {
    let request = ReleaseLegalHoldRequest {
        idempotency_key: uuid(),
        hold_id: args.hold_id.clone(),
        case_reference: args.desk.case.clone(),
    };
    let answer = match args.desk.gateway(AUDITOR).await?.call(&request, None).await {
        Ok(answer) => answer,
        Err(error) => return refused(&error, args.desk.json),
    };
    let index = answer.proof.index;
    if args.desk.json {
        print_json(&json!({ "ok": true, "entry": index }))?;
    } else {
        line(args.desk.language.language().pick(
            format!("消去の禁止を解除しました（番号{index}に記録）。"),
            format!("Released (entry {index})."),
        ));
    }
    Ok(ExitCode::SUCCESS)
}

fn said(answer: &ErasePersonResponse, index: u64, language: Language) -> String {
    let id = &answer.erasure_id;
    if answer.state() == ErasureState::Requested {
        let (ja, en) = (
            "別の担当者が別の端末で24時間以内に同意すると、消去します。",
            "Nothing is erased before another person agrees, at another terminal, within a day.",
        );
        return language.pick(
            format!("消去を申請しました（番号{index}に記録）: {id}\n{ja}"),
            format!("Requested (entry {index}): {id}\n{en}"),
        );
    }
    let count = answer.erased_entries;
    let until = answer.answers_expire_time.as_ref().and_then(instant).map(tokyo_minute).unwrap_or_default();
    let (ja, en) =
        ("記録があったことと、その証明は残ります。", "That they happened, and every proof of it, stays.");
    language.pick(
        format!("{count}件の記録の内容を消去しました（番号{index}に記録）。{ja}\n再送に備えた応答の写しは{until}までに消えます。"),
        format!("Erased: the content of {count} entries (entry {index}). {en}\nAnswers kept for repeats are gone by {until}."),
    )
}

fn instant(time: &prost_types::Timestamp) -> Option<jiff::Timestamp> {
    jiff::Timestamp::new(time.seconds, time.nanos).ok()
}

impl Desk {
    async fn gateway(&self, usual_terminal: &str) -> Result<Gateway> {
        let access = self.access.place()?.access(Some(usual_terminal))?;
        Ok(access.terminal().await?.gateway().clone().with_operator(&self.operator)?)
    }
}

impl ToErase {
    fn named(&self) -> Result<erase::What> {
        Ok(match (self.entry, &self.agree) {
            (Some(index), _) => erase::What::Entry(entry(index)),
            (_, Some(id)) => erase::What::ErasureId(id.clone()),
            _ => erase::What::Resident(resident(self.resident.as_deref())?),
        })
    }
}

impl ToHold {
    fn named(&self) -> Result<hold::What> {
        Ok(match self.entry {
            Some(index) => hold::What::Entry(entry(index)),
            None => hold::What::Resident(resident(self.resident.as_deref())?),
        })
    }
}

fn entry(index: u64) -> EntryName {
    EntryName { log: Log::Gateway.into(), index }
}

fn resident(words: Option<&[String]>) -> Result<ResidentName> {
    let [issuer, key] = words.unwrap_or_default() else {
        return Err(anyhow::anyhow!("--resident needs an issuer and its key"));
    };
    let issuer = issuer.strip_prefix(URN).unwrap_or(issuer);
    Ok(ResidentName { issuer: format!("{URN}{issuer}"), resident_key: key.clone() })
}

const URN: &str = "urn:x-pmh:org:";
/// Terminals of a sandbox that are taken if none is named.
const OPERATOR: &str = "operator-1";
const AUDITOR: &str = "auditor-1";
