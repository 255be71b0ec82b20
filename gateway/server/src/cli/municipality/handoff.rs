//! `pmh municipality handoff`: what an office does at home and at the stay side.

use std::process::ExitCode;

use anyhow::{Context as _, Result};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use pmh_client::{Presentation, Terminal};
use pmh_proto::handoff::{
    AcceptHandoffRequest, CloseHandoffRequest, ConfirmHandoffRequest, DeclineHandoffRequest, HandoffCategory,
    HandoffConsent, HandoffConsentOrigin, HandoffDeclineReason, HandoffDuty, HandoffDutyAnswer, HandoffState,
    HandoffSummary, ListHandoffsRequest, OfferHandoffRequest, ReturnHandoffRequest, WithdrawHandoffRequest,
};
use serde_json::{Value, json};

use crate::cli::counter::Trouble;
use crate::cli::counter::access::AccessArgs;
use crate::cli::issuer::watermark::refused;
use crate::cli::output::{LanguageArgs, json as print_json, line};
use crate::sandbox::uuid;
use crate::system;

/// What to do.
#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Home: offer duties to the municipality of the stay. Prints the code that the mother carries.
    Offer(OfferArgs),
    /// Either side: handoffs and where they stand.
    List(Common),
    /// Stay side: accept, with the mother's card and code.
    Accept(AcceptArgs),
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

/// An offer.
#[derive(Debug, clap::Args)]
pub(super) struct OfferArgs {
    /// 宛名番号 of the mother.
    resident_key: String,
    /// Code of the municipality of the stay, six digits.
    #[arg(long)]
    stay: String,
    /// First day of the stay, YYYY-MM-DD.
    #[arg(long)]
    from: jiff::civil::Date,
    /// Last day.
    #[arg(long)]
    to: jiff::civil::Date,
    /// A duty, for example newborn_visit; once or more.
    #[arg(long = "duty", required = true, value_parser = duty)]
    duties: Vec<HandoffDuty>,
    /// What the mother consented to share, for example pregnancy_checkups; once or more.
    #[arg(long = "category", required = true, value_parser = category)]
    categories: Vec<HandoffCategory>,
    /// Number of the paper form; absent: she consented with her card.
    #[arg(long, requires = "officer")]
    form: Option<String>,
    /// The two officers who checked the form.
    #[arg(long)]
    officer: Vec<String>,
    #[command(flatten)]
    common: Common,
}

/// An accept.
#[derive(Debug, clap::Args)]
pub(super) struct AcceptArgs {
    #[command(flatten)]
    one: One,
    /// The mother's code, as `offer` printed it.
    #[arg(long)]
    code: String,
    /// Her card in the sandbox.
    #[arg(long)]
    card: Option<String>,
    /// A duty that is accepted; once or more. Those offered and not named are declined for want of capacity.
    #[arg(long = "duty", required = true, value_parser = duty)]
    duties: Vec<HandoffDuty>,
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
        Command::Offer(args) => told(&args.common, offer(args).await?),
        Command::List(args) => told(args, list(args).await?),
        Command::Accept(args) => told(&args.one.common, accept(args).await?),
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

async fn offer(args: &OfferArgs) -> Result<std::result::Result<Told, Trouble>> {
    let mut code = [0; 16];
    system::fill(&mut code);
    let origin = match args.form {
        Some(_) => HandoffConsentOrigin::Paper,
        None => HandoffConsentOrigin::Card,
    };
    let consent = HandoffConsent {
        categories: args.categories.iter().map(|category| i32::from(*category)).collect(),
        origin: origin.into(),
        form: args.form.clone().unwrap_or_default(),
        officers: args.officer.clone(),
    };
    let request = OfferHandoffRequest {
        idempotency_key: uuid(),
        resident_key: args.resident_key.clone(),
        stay: format!("urn:x-pmh:org:municipality:{}", args.stay),
        first_day: args.from.to_string(),
        last_day: args.to.to_string(),
        duties: args.duties.iter().map(|duty| i32::from(*duty)).collect(),
        consents: vec![consent],
        code: code.to_vec(),
        ..Default::default()
    };
    let answered = call(&args.common, &request).await?;
    Ok(answered.map(|response| {
        let id = response.statement.map(|statement| statement.handoff_id).unwrap_or_default();
        let code = URL_SAFE_NO_PAD.encode(code);
        let document = json!({ "ok": true, "handoff": id, "code": code });
        let ja = format!("提案しました: {id}\n本人にお渡しする受付コード: {code}");
        (document, ja, format!("Offered: {id}\nThe mother's code: {code}"))
    }))
}

async fn accept(args: &AcceptArgs) -> Result<std::result::Result<Told, Trouble>> {
    let place = args.one.common.access.place()?;
    let code = URL_SAFE_NO_PAD.decode(&args.code).context("--code is not as `offer` printed it")?;
    let mut placed = place.card(args.card.as_deref())?;
    let terminal = match place.access(None)?.terminal().await {
        Ok(terminal) => terminal,
        Err(error) => return Ok(Err(error.into())),
    };
    let handoff_id = args.one.handoff.to_string();
    let outcome = async {
        let offered = offered(&terminal, &handoff_id).await?;
        let answer = |duty: i32| {
            let is_accepted = args.duties.iter().any(|accepted| i32::from(*accepted) == duty);
            let declined = if is_accepted { 0 } else { HandoffDeclineReason::NoCapacity.into() };
            HandoffDutyAnswer { duty, declined }
        };
        let text = Presentation::for_handoff("里帰り先の市区町村で支援を受けるための本人確認です。");
        let presence = terminal.present(&mut placed.card, &text, system::now_s()).await?;
        let request = AcceptHandoffRequest {
            idempotency_key: uuid(),
            handoff_id: handoff_id.clone(),
            code,
            answers: offered.into_iter().map(answer).collect(),
        };
        terminal.gateway().call(&request, Some(presence.bearer())).await.map_err(Trouble::from)
    };
    Ok(outcome.await.map(|_| (json!({ "ok": true }), "受諾しました。".to_owned(), "Accepted.".to_owned())))
}

/// The duties that were offered.
async fn offered(terminal: &Terminal, id: &str) -> std::result::Result<Vec<i32>, Trouble> {
    let listed = terminal.gateway().call(&ListHandoffsRequest {}, None).await?.response;
    let known = listed.handoffs.into_iter().find(|known| known.handoff_id == id);
    Ok(known.map(|known| known.duties).unwrap_or_default())
}

async fn list(args: &Common) -> Result<std::result::Result<Told, Trouble>> {
    Ok(call(args, &ListHandoffsRequest {}).await?.map(|response| {
        let document: Vec<Value> = response.handoffs.iter().map(document).collect();
        let lines = |words: fn(HandoffState) -> &'static str| {
            let line = |known: &HandoffSummary| {
                format!(
                    "{}  {}  {} – {}",
                    known.handoff_id,
                    words(known.state()),
                    known.first_day,
                    known.last_day
                )
            };
            response.handoffs.iter().map(line).collect::<Vec<_>>().join("\n")
        };
        (json!({ "ok": true, "handoffs": document }), lines(state_ja), lines(state_en))
    }))
}

fn document(known: &HandoffSummary) -> Value {
    json!({
        "handoff": known.handoff_id,
        "home": known.home,
        "stay": known.stay,
        "state": state_en(known.state()),
        "first_day": known.first_day,
        "last_day": known.last_day,
        "answer_by": known.answer_by,
        "resident_key": known.resident_key,
        "fence": known.fence,
        "unsent": known.unsent,
    })
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

fn state_ja(state: HandoffState) -> &'static str {
    match state {
        HandoffState::Unspecified => "不明",
        HandoffState::Offered => "提案中",
        HandoffState::Accepted => "受諾済み",
        HandoffState::Active => "実施中",
        HandoffState::Returned => "返却済み",
        HandoffState::Closed => "終了",
        HandoffState::Declined => "辞退",
        HandoffState::Withdrawn => "取消",
        HandoffState::Expired => "期限切れ",
    }
}

fn state_en(state: HandoffState) -> &'static str {
    match state {
        HandoffState::Unspecified => "unknown",
        HandoffState::Offered => "offered",
        HandoffState::Accepted => "accepted",
        HandoffState::Active => "active",
        HandoffState::Returned => "returned",
        HandoffState::Closed => "closed",
        HandoffState::Declined => "declined",
        HandoffState::Withdrawn => "withdrawn",
        HandoffState::Expired => "expired",
    }
}

fn duty(text: &str) -> std::result::Result<HandoffDuty, String> {
    let name = format!("HANDOFF_DUTY_{}", text.to_ascii_uppercase());
    HandoffDuty::from_str_name(&name).ok_or_else(|| "no such duty".to_owned())
}

fn category(text: &str) -> std::result::Result<HandoffCategory, String> {
    let name = format!("HANDOFF_CATEGORY_{}", text.to_ascii_uppercase());
    HandoffCategory::from_str_name(&name).ok_or_else(|| "no such category".to_owned())
}

fn decline(text: &str) -> std::result::Result<HandoffDeclineReason, String> {
    let name = format!("HANDOFF_DECLINE_REASON_{}", text.to_ascii_uppercase());
    HandoffDeclineReason::from_str_name(&name).ok_or_else(|| "no such reason".to_owned())
}
