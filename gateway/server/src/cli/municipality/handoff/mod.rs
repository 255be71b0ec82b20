//! `pmh municipality handoff`: what an office does at home and at the stay side.

mod accept;
mod care;
mod evidence;
mod list;
mod offer;
mod report;
mod request;
mod watch;
mod words;

use std::process::ExitCode;

use anyhow::Result;
use pmh_proto::handoff::{
    CloseHandoffRequest, ConfirmHandoffRequest, DeclineHandoffRequest, HandoffCategory, HandoffDeclineReason,
    HandoffDuty, ReturnHandoffRequest, WithdrawHandoffRequest,
};
use serde_json::{Value, json};

use self::words::{category, decline, duty};
use crate::cli::counter::Trouble;
use crate::cli::counter::access::AccessArgs;
use crate::cli::issuer::watermark::refused;
use crate::cli::output::{LanguageArgs, json as print_json, line};
use crate::sandbox::uuid;

/// What to do.
#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Home: offer duties to the municipality of the stay. Prints the code that the mother carries.
    Offer(offer::Args),
    /// Either side: handoffs and where they stand.
    List(Common),
    /// Stay side: accept, with the mother's card and code.
    Accept(accept::Args),
    /// Stay side: decline.
    Decline(DeclineArgs),
    /// Home: confirm an accept; the duties pass.
    Confirm(One),
    /// Home: take it back. Either side: `--category` takes back the mother's consent.
    Withdraw(WithdrawArgs),
    /// Stay side: give duties back, all of them unless some are named.
    Return(ReturnArgs),
    /// Home: close what was returned or has expired.
    Close(One),
    /// Stay side: ask home for an offer, with the mother's card. Home answers with `offer --request` or `decline`.
    Request(request::Args),
    /// Stay side: report what was done, or what home must hear of at once.
    Report(report::ReportArgs),
    /// Home: a person has read a report; named with `--operator`.
    Acknowledge(report::AcknowledgeArgs),
    /// Stay side: ask for a later last day. Home: grant it, or end the stay earlier.
    Extend(report::ExtendArgs),
    /// Home: the mother shares more.
    Consent(report::ConsentArgs),
    /// Home: approve 産後ケア for the stay; a facility there verifies it with `pmh counter care`.
    Care(care::Args),
    /// Home: her residence moved, and the handoff ends.
    Moved(report::MovedArgs),
    /// Either side: what happens, one line a change.
    Watch(watch::Args),
    /// Either side: write what both logs prove of it to a file.
    Evidence(evidence::Args),
}

/// Who we are and how to answer.
#[derive(Debug, clap::Args)]
pub(super) struct Common {
    #[command(flatten)]
    access: AccessArgs,
    /// One JSON object.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    language: LanguageArgs,
}

/// One handoff.
#[derive(Debug, clap::Args)]
pub(super) struct One {
    /// UUID of the handoff.
    handoff: uuid::Uuid,
    #[command(flatten)]
    common: Common,
}

/// A decline.
#[derive(Debug, clap::Args)]
pub(super) struct DeclineArgs {
    #[command(flatten)]
    one: One,
    /// Why: stay_too_short, no_capacity, not_offered, mother_declined or other.
    #[arg(long, value_parser = decline)]
    reason: HandoffDeclineReason,
}

/// A withdrawal.
#[derive(Debug, clap::Args)]
pub(super) struct WithdrawArgs {
    #[command(flatten)]
    one: One,
    /// What the mother takes back; none: home takes back the whole.
    #[arg(long = "category", value_parser = category)]
    categories: Vec<HandoffCategory>,
}

/// A return.
#[derive(Debug, clap::Args)]
pub(super) struct ReturnArgs {
    #[command(flatten)]
    one: One,
    /// A duty; none: all.
    #[arg(long = "duty", value_parser = duty)]
    duties: Vec<HandoffDuty>,
}

/// What is told, in both languages and for machines.
type Told = (Value, String, String);

/// Runs it.
pub(super) async fn run(command: Command) -> Result<ExitCode> {
    match &command {
        Command::Offer(args) => told(&args.common, offer::offer(args).await?),
        Command::Request(args) => told(&args.common, request::ask(args).await?),
        Command::Report(args) => report::report(args).await,
        Command::Acknowledge(args) => report::acknowledge(args).await,
        Command::Extend(args) => report::extend(args).await,
        Command::Consent(args) => report::consent(args).await,
        Command::Moved(args) => report::moved(args).await,
        Command::Watch(args) => watch::watch(args).await,
        Command::List(args) => told(args, list::list(args).await?),
        Command::Accept(args) => told(&args.one.common, accept::accept(args).await?),
        Command::Care(args) => told(&args.one.common, care::approve(args).await?),
        Command::Evidence(args) => told(&args.one.common, evidence::export(args).await?),
        Command::Decline(args) => {
            let request = DeclineHandoffRequest {
                idempotency_key: uuid(),
                handoff_id: args.one.handoff.to_string(),
                reason: args.reason.into(),
            };
            send(&args.one.common, &request, ("辞退しました。", "Declined.")).await
        }
        Command::Confirm(one) => {
            let request =
                ConfirmHandoffRequest { idempotency_key: uuid(), handoff_id: one.handoff.to_string() };
            send(
                &one.common,
                &request,
                ("確定しました。担当が移りました。", "Confirmed: the duties have passed."),
            )
            .await
        }
        Command::Withdraw(args) => {
            let request = WithdrawHandoffRequest {
                idempotency_key: uuid(),
                handoff_id: args.one.handoff.to_string(),
                categories: args.categories.iter().map(|category| i32::from(*category)).collect(),
            };
            send(&args.one.common, &request, ("取り消しました。", "Withdrawn.")).await
        }
        Command::Return(args) => {
            let request = ReturnHandoffRequest {
                idempotency_key: uuid(),
                handoff_id: args.one.handoff.to_string(),
                duties: args.duties.iter().map(|duty| i32::from(*duty)).collect(),
            };
            send(&args.one.common, &request, ("住民票所在地へお返ししました。", "Given back.")).await
        }
        Command::Close(one) => {
            let request =
                CloseHandoffRequest { idempotency_key: uuid(), handoff_id: one.handoff.to_string() };
            send(&one.common, &request, ("終了しました。", "Closed.")).await
        }
    }
}

async fn send<C: pmh_client::Recorded>(
    common: &Common,
    request: &C,
    (ja, en): (&str, &str),
) -> Result<ExitCode> {
    let answered = call(common, request).await?;
    told(common, answered.map(|_| (json!({ "ok": true }), ja.to_owned(), en.to_owned())))
}

async fn call<C: pmh_client::Recorded>(
    common: &Common,
    request: &C,
) -> Result<std::result::Result<C::Response, Trouble>> {
    let access = common.access.place()?.access(None)?;
    let issuer = match access.issuer().await {
        Ok(issuer) => issuer,
        Err(error) => return Ok(Err(error.into())),
    };
    let answered = issuer.gateway().call(request, None).await;
    Ok(answered.map(|proven| proven.response).map_err(Trouble::from))
}

fn told(common: &Common, outcome: std::result::Result<Told, Trouble>) -> Result<ExitCode> {
    match outcome {
        Ok((document, _, _)) if common.json => print_json(&document)?,
        Ok((_, ja, en)) => line(common.language.language().pick(ja, en)),
        Err(trouble) => return refused(trouble, common.json),
    }
    Ok(ExitCode::SUCCESS)
}
