//! `report` and `acknowledge`, and the changes of plan.

use std::process::ExitCode;

use anyhow::{Result, bail, ensure};
use pmh_proto::handoff::{
    AcknowledgeReportRequest, AddConsentRequest, ExtendHandoffRequest, HandoffAssessment, HandoffCareKind,
    HandoffCareReport, HandoffCategory, HandoffCheckupReport, HandoffConsent, HandoffConsentOrigin,
    HandoffCost, HandoffDuty, HandoffEarlyBirthReport, HandoffEpdsReport, HandoffProtectiveReport,
    HandoffReport, HandoffTransferReport, HandoffVisitReport, MoveHandoffRequest, ReportToHomeRequest,
    handoff_report::News,
};
use serde_json::json;

use super::words::{care_kind, category, duty};
use super::{One, send, told};
use crate::cli::counter::Trouble;
use crate::sandbox::uuid;

/// A report.
#[derive(Debug, clap::Args)]
pub(in crate::cli::municipality) struct ReportArgs {
    #[command(flatten)]
    one: One,
    /// What: visit, checkup, care, epds, protective, early_birth or transfer.
    what: What,
    /// The day it was done or became known, YYYY-MM-DD.
    #[arg(long)]
    on: jiff::civil::Date,
    /// In the course of which duty.
    #[arg(long, value_parser = duty)]
    duty: Option<HandoffDuty>,
    /// Of a visit or checkup: somebody must look again.
    #[arg(long)]
    follow_up: bool,
    /// Of care: days used.
    #[arg(long, default_value_t = 1)]
    days: u32,
    /// Of care: how it was given: short_stay, day or home_visit; otherwise it counts against every kind approved.
    #[arg(long, value_parser = care_kind)]
    kind: Option<HandoffCareKind>,
    /// Of an EPDS: its total and the answer to item 10, for example 9/0.
    #[arg(long)]
    epds: Option<String>,
    /// Number of the ticket that was used.
    #[arg(long)]
    ticket: Option<String>,
    /// What she paid, yen.
    #[arg(long)]
    paid: Option<u32>,
    /// Number of the paper receipt.
    #[arg(long)]
    receipt: Option<String>,
    /// Home must hear of it today.
    #[arg(long)]
    urgent: bool,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
#[value(rename_all = "snake_case")]
enum What {
    Visit,
    Checkup,
    Care,
    Epds,
    Protective,
    EarlyBirth,
    Transfer,
}

/// An acknowledgement.
#[derive(Debug, clap::Args)]
pub(in crate::cli::municipality) struct AcknowledgeArgs {
    #[command(flatten)]
    one: One,
    /// The report's name as `watch` shows it, 64 hexadecimal digits.
    report: String,
    /// Who has read it, by this municipality's own pseudonym.
    #[arg(long)]
    operator: String,
}

/// Another last day.
#[derive(Debug, clap::Args)]
pub(in crate::cli::municipality) struct ExtendArgs {
    #[command(flatten)]
    one: One,
    /// The new last day, YYYY-MM-DD.
    #[arg(long)]
    to: jiff::civil::Date,
}

/// More consent.
#[derive(Debug, clap::Args)]
pub(in crate::cli::municipality) struct ConsentArgs {
    #[command(flatten)]
    one: One,
    /// What she shares from now on; once or more.
    #[arg(long = "category", required = true, value_parser = category)]
    categories: Vec<HandoffCategory>,
}

/// Another residence.
#[derive(Debug, clap::Args)]
pub(in crate::cli::municipality) struct MovedArgs {
    #[command(flatten)]
    one: One,
    /// The day, YYYY-MM-DD.
    #[arg(long)]
    on: jiff::civil::Date,
}

pub(super) async fn report(args: &ReportArgs) -> Result<ExitCode> {
    let request = ReportToHomeRequest {
        idempotency_key: uuid(),
        handoff_id: args.one.handoff.to_string(),
        report: Some(HandoffReport {
            duty: args.duty.map_or(0, i32::from),
            on: args.on.to_string(),
            urgent: args.urgent,
            cost: cost(args),
            news: Some(news(args)?),
        }),
    };
    send(&args.one.common, &request, ("住民票所在地へ報告しました。", "Reported.")).await
}

pub(super) async fn acknowledge(args: &AcknowledgeArgs) -> Result<ExitCode> {
    let request = AcknowledgeReportRequest {
        idempotency_key: uuid(),
        handoff_id: args.one.handoff.to_string(),
        report_leaf_hash: from_hex(&args.report)?,
    };
    let common = &args.one.common;
    let issuer = match common.access.place()?.access(None)?.issuer().await {
        Ok(issuer) => issuer,
        Err(error) => return told(common, Err(error.into())),
    };
    let officer = issuer.gateway().clone().with_operator(&args.operator)?;
    let answered = officer.call(&request, None).await.map_err(Trouble::from);
    told(
        common,
        answered.map(|_| (json!({ "ok": true }), "確認しました。".to_owned(), "Acknowledged.".to_owned())),
    )
}

pub(super) async fn extend(args: &ExtendArgs) -> Result<ExitCode> {
    let request = ExtendHandoffRequest {
        idempotency_key: uuid(),
        handoff_id: args.one.handoff.to_string(),
        last_day: args.to.to_string(),
    };
    send(&args.one.common, &request, ("期間の変更を記録しました。", "The change of days is entered.")).await
}

pub(super) async fn consent(args: &ConsentArgs) -> Result<ExitCode> {
    let consent = HandoffConsent {
        categories: args.categories.iter().map(|category| i32::from(*category)).collect(),
        origin: HandoffConsentOrigin::Card.into(),
        ..Default::default()
    };
    let request = AddConsentRequest {
        idempotency_key: uuid(),
        handoff_id: args.one.handoff.to_string(),
        consent: Some(consent),
    };
    send(&args.one.common, &request, ("同意を追加しました。", "Her further consent is entered.")).await
}

pub(super) async fn moved(args: &MovedArgs) -> Result<ExitCode> {
    let request = MoveHandoffRequest {
        idempotency_key: uuid(),
        handoff_id: args.one.handoff.to_string(),
        moved_on: args.on.to_string(),
    };
    let words = ("転出により引き継ぎを終了しました。", "Her residence moved: the handoff is over.");
    send(&args.one.common, &request, words).await
}

fn news(args: &ReportArgs) -> Result<News> {
    let assessment =
        if args.follow_up { HandoffAssessment::FollowUp } else { HandoffAssessment::Fine }.into();
    Ok(match args.what {
        What::Visit => News::Visit(HandoffVisitReport { assessment }),
        What::Checkup => News::Checkup(HandoffCheckupReport { assessment }),
        What::Care => {
            News::PostpartumCare(HandoffCareReport { days: args.days, kind: args.kind.map_or(0, i32::from) })
        }
        What::Epds => {
            let scores = args.epds.as_deref().and_then(|text| text.split_once('/'));
            let Some((total, item10)) = scores else { bail!("--epds is not TOTAL/ITEM10") };
            News::Epds(HandoffEpdsReport { total: total.parse()?, item10: item10.parse()? })
        }
        What::Protective => News::Protective(HandoffProtectiveReport {}),
        What::EarlyBirth => News::EarlyBirth(HandoffEarlyBirthReport {}),
        What::Transfer => News::Transfer(HandoffTransferReport {}),
    })
}

fn cost(args: &ReportArgs) -> Option<HandoffCost> {
    let is_stated = args.ticket.is_some() || args.paid.is_some() || args.receipt.is_some();
    is_stated.then(|| HandoffCost {
        ticket: args.ticket.clone().unwrap_or_default(),
        paid_yen: args.paid.unwrap_or_default(),
        paper_receipt: args.receipt.clone().unwrap_or_default(),
    })
}

fn from_hex(text: &str) -> Result<Vec<u8>> {
    ensure!(text.len() == 64 && text.is_ascii(), "a report's name has 64 hexadecimal digits");
    let byte = |place: usize| u8::from_str_radix(text.get(place..place + 2).unwrap_or_default(), 16);
    (0..64).step_by(2).map(|place| byte(place).map_err(Into::into)).collect()
}
