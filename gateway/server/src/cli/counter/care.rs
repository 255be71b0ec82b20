//! `pmh counter care`: what postpartum care (産後ケア) the mother's home municipality approved, and how much of it is left.

use std::process::ExitCode;

use anyhow::Result;
use jiff::civil::Date;
use pmh_client::{Card, Presentation};
use pmh_proto::handoff::{
    HandoffCareKind, PostpartumCare, PostpartumCareState as State, VerifyPostpartumCareRequest,
    VerifyPostpartumCareResponse,
};
use serde_json::{Value, json};

use super::access::{Access, AccessArgs};
use super::document::word;
use super::screen::{indented, large, no_answer, unanswered};
use super::trouble::Trouble;
use super::visit::leave;
use crate::cli::mother_code::MotherCode;
use crate::cli::output::{Language, LanguageArgs, json as print_json, line, table};
use crate::system;

/// Arguments.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    access: AccessArgs,
    /// Card of the sandbox; with --config the configured one.
    #[arg(long, conflicts_with = "handoff")]
    card: Option<String>,
    /// Before she comes, without a card: UUID of the handoff.
    #[arg(long, requires = "code")]
    handoff: Option<uuid::Uuid>,
    /// And the mother's code, as `municipality handoff offer` printed it.
    #[arg(long, requires = "handoff")]
    code: Option<MotherCode>,
    /// Day of care, YYYY-MM-DD, which may lie ahead; otherwise today in Tokyo.
    #[arg(long)]
    day: Option<Date>,
    /// One JSON object.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    language: LanguageArgs,
}

/// Runs it. Exit 1 unless days are left.
pub(super) async fn run(args: &Args) -> Result<ExitCode> {
    let place = args.access.place()?;
    let mut placed = match args.handoff {
        Some(_) => None,
        None => Some(place.card(args.card.as_deref())?),
    };
    let scenario = placed.as_mut().and_then(|placed| placed.visit.take());
    let access = place.access(scenario.as_ref().map(|visit| visit.terminal.as_str()))?;
    let request = VerifyPostpartumCareRequest {
        handoff_id: args.handoff.map(|id| id.to_string()).unwrap_or_default(),
        code: args.code.map(MotherCode::to_bytes).unwrap_or_default(),
        day: args.day.map(|day| day.to_string()).unwrap_or_default(),
    };
    let card = placed.as_mut().map(|placed| &mut placed.card as &mut dyn Card);
    match verify(&access, card, &request).await {
        Ok(answer) => {
            if args.json {
                print_json(&document(&answer))?;
            } else {
                screen(&answer, args.language.language()).into_iter().for_each(line);
            }
            let is_approved = answer.state() == State::Approved;
            Ok(if is_approved { ExitCode::SUCCESS } else { ExitCode::FAILURE })
        }
        Err(trouble) => {
            let screen = troubled(&trouble, args.language.language());
            let document = super::document::trouble(&trouble);
            unanswered(trouble, screen, &document, args.json)
        }
    }
}

async fn verify(
    access: &Access,
    card: Option<&mut dyn Card>,
    request: &VerifyPostpartumCareRequest,
) -> Result<VerifyPostpartumCareResponse, Trouble> {
    let terminal = access.terminal().await?;
    let Some(card) = card else { return Ok(terminal.gateway().call(request, None).await?.response) };
    let presence = terminal.present(card, &Presentation::for_care(TEXT), system::now_s()).await?;
    let answer = terminal.gateway().call(request, Some(presence.bearer())).await;
    leave(&terminal, &presence).await;
    Ok(answer?.response)
}

fn document(answer: &VerifyPostpartumCareResponse) -> Value {
    let care: Vec<Value> = answer.care.iter().map(one).collect();
    json!({
        "ok": answer.state() == State::Approved,
        "state": word(answer.state().as_str_name(), "POSTPARTUM_CARE_STATE_"),
        "care": care,
    })
}

fn one(care: &PostpartumCare) -> Value {
    json!({
        "kind": word(care.kind().as_str_name(), "HANDOFF_CARE_KIND_"),
        "days_approved": care.days_approved,
        "days_used": care.days_used,
        "days_left": care.days_left,
        "copayment_yen": care.copayment_yen,
        "first_day": care.first_day,
        "last_day": care.last_day,
        "approved_by": care.approved_by,
        "used_tickets": care.used_tickets,
    })
}

fn screen(answer: &VerifyPostpartumCareResponse, language: Language) -> Vec<String> {
    let ((ja, en), (why_ja, why_en)) = words(answer.state());
    let mut lines = large(language.pick(ja, en), language.pick(why_ja, why_en));
    if answer.care.is_empty() {
        return lines;
    }
    let titles = language.pick(
        ["種類", "残り", "承認", "利用済み", "自己負担（1回）", "利用期間", "承認した市区町村"],
        ["kind", "left", "approved", "used", "copayment each", "valid", "approved by"],
    );
    let mut rows = vec![titles.map(str::to_owned).to_vec()];
    rows.extend(answer.care.iter().map(|care| cells(care, language).to_vec()));
    lines.extend(table(&rows).into_iter().map(indented));
    lines
}

fn cells(care: &PostpartumCare, language: Language) -> [String; 7] {
    let kind = match care.kind() {
        HandoffCareKind::Unspecified => ("", ""),
        HandoffCareKind::ShortStay => ("短期入所", "overnight stay"),
        HandoffCareKind::Day => ("通所", "day"),
        HandoffCareKind::HomeVisit => ("居宅訪問", "home visit"),
    };
    let days = |days: u32| language.pick(format!("{days}日（回）"), days.to_string());
    [
        language.pick(kind.0, kind.1).to_owned(),
        days(care.days_left),
        days(care.days_approved),
        days(care.days_used),
        format!("¥{}", care.copayment_yen),
        language.pick(
            format!("{}～{}", care.first_day, care.last_day),
            format!("{} to {}", care.first_day, care.last_day),
        ),
        care.approved_by.clone(),
    ]
}

type Words = (&'static str, &'static str);

/// Headline and what to do.
fn words(state: State) -> (Words, Words) {
    match state {
        State::Approved => (
            ("産後ケアを利用できます", "Postpartum care is approved"),
            ("住民票のある市区町村が承認しています。", "The home municipality has approved it."),
        ),
        State::UsedUp => (
            ("承認された日数を使い切っています", "No approved day is left"),
            (
                "追加の承認は、住民票のある市区町村にお問い合わせください。",
                "Ask the home municipality whether it approves more.",
            ),
        ),
        State::NotYet => (
            ("まだ利用できません", "Not yet"),
            (
                "利用期間の前か、里帰りの引き継ぎが確定していません。利用日を指定して確認できます。",
                "The approved days are still to come, or the stay is not confirmed. --day asks for the day of care.",
            ),
        ),
        State::Over => (
            ("承認の期間は終わっています", "The approval is over"),
            ("住民票のある市区町村にお問い合わせください。", "Ask the home municipality."),
        ),
        State::NoApproval | State::Unspecified => (
            ("承認を確認できません", "No approval is known"),
            (
                "承認がないとは限りません。ご本人の書類を確かめるか、住民票のある市区町村にお問い合わせください。",
                "That does not mean that there is none: look at her papers, or ask the home municipality.",
            ),
        ),
    }
}

fn troubled(trouble: &Trouble, language: Language) -> Vec<String> {
    no_answer(
        trouble,
        language.pick("確認できません", "Not known"),
        language.pick(
            "産後ケアの承認は、この画面では分かりません。住民票のある市区町村にお問い合わせください。",
            "This says nothing about any approval: ask the home municipality.",
        ),
    )
}

const TEXT: &str = "住民票のある市区町村が承認した産後ケアの内容を、この施設が確認することに同意しますか。";
