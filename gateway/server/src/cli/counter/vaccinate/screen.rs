//! What doctor and receptionist read: one large line, each finding in words, what was written down.

use jiff::Timestamp;
use pmh_domain::time::tokyo_minute;
use pmh_proto::vaccination::{
    Dose, DoseStatus, Evaluation, Finding, HistoryGap, HistoryState, Overridable, Verdict,
};

use super::super::screen::{indented, large, no_answer, said};
use super::super::trouble::Trouble;
use super::walk::{Ended, Step, Walked};
use crate::cli::output::Language;

/// The screen of a walk.
pub(super) fn of(walked: &Walked, language: Language) -> Vec<String> {
    let (headline, instruction) = headline(walked, language);
    let mut lines = large(&headline, &instruction);
    if !walked.evaluation.findings.is_empty() {
        lines.push(String::new());
        lines.extend(walked.evaluation.findings.iter().map(|found| indented(finding(found, language))));
    }
    lines.push(String::new());
    lines.push(indented(basis(&walked.evaluation, language)));
    lines.extend(walked.steps.iter().map(|step| indented(proof(step, language))));
    lines
}

/// The screen when nobody knows.
pub(super) fn trouble(trouble: &Trouble, language: Language) -> Vec<String> {
    no_answer(trouble, language.pick(UNKNOWN.0, UNKNOWN.1), language.pick(PAPER.0, PAPER.1))
}

fn headline(walked: &Walked, language: Language) -> (String, String) {
    let evaluation = &walked.evaluation;
    let word = said(evaluation.headline.as_ref(), language).to_owned();
    let vaccine = &walked.shot.vaccine;
    match &walked.ended {
        Ended::Checked | Ended::Stopped => (word, next_day(evaluation, vaccine, language)),
        Ended::ReservedElsewhere(until) => {
            let until = until.as_ref().and_then(|until| Timestamp::new(until.seconds, until.nanos).ok());
            let until = until.map(tokyo_minute).unwrap_or_default();
            (
                language.pick(format!("{until}まで予約済み"), format!("Reserved until {until}")),
                language.pick(
                    "ほかの医療機関が同じ回の接種を始めています。保護者に確かめてください。".to_owned(),
                    "Another institution is about to give the same dose: ask the guardian.".to_owned(),
                ),
            )
        }
        Ended::Recorded(dose) => recorded(dose, language),
    }
}

fn recorded(dose: &Dose, language: Language) -> (String, String) {
    let (vaccine, number, date) = (&dose.vaccine, dose.dose_number, &dose.date);
    if dose.status() == DoseStatus::AdministeredInError {
        return (
            language.pick("間違い接種として記録".to_owned(), "Recorded as a dose in error".to_owned()),
            language.pick(
                format!("{vaccine}（{date}）は回数に数えません。市区町村へ通知しました。"),
                format!("{vaccine} of {date} counts in no series; the municipality was told."),
            ),
        );
    }
    (
        language.pick("接種を記録しました".to_owned(), "Recorded".to_owned()),
        language.pick(
            format!("{vaccine} {number}回目、{date}。請求もこの記録で完了です。"),
            format!("{vaccine} dose {number}, {date}. This record completes the claim."),
        ),
    )
}

/// The exact day, where interval and age rules know one.
fn next_day(evaluation: &Evaluation, vaccine: &str, language: Language) -> String {
    let number = evaluation.dose_number;
    let dose = match (number, language) {
        (0, _) => vaccine.to_owned(),
        (_, Language::Ja) => format!("{vaccine} {number}回目"),
        (_, Language::En) => format!("{vaccine} dose {number}"),
    };
    let (from, until) = (&evaluation.allowed_from, &evaluation.until);
    match (evaluation.verdict(), from.is_empty()) {
        (Verdict::Block, true) => language.pick(
            format!("{dose}: 接種できる日は決まりません。"),
            format!("{dose}: no day is known from which it could be given."),
        ),
        (Verdict::Block, false) => language
            .pick(format!("{dose}: {from}から接種できます。"), format!("{dose}: possible from {from}.")),
        _ if until.is_empty() => dose,
        _ => language.pick(format!("{dose}: {until}まで。"), format!("{dose}: until {until}.")),
    }
}

fn finding(finding: &Finding, language: Language) -> String {
    let mark = match (finding.level(), finding.overridden) {
        (_, true) => language.pick("医師判断", "overridden"),
        (Verdict::Block, _) => language.pick("不可", "stop"),
        _ => language.pick("注意", "check"),
    };
    let rule = finding.rule.clone().unwrap_or_default();
    let unconfirmed =
        if rule.confirmed { "" } else { language.pick("、出典未確認", ", source not confirmed") };
    let doctor = match finding.overridable() {
        Overridable::DoctorWithReason if !finding.overridden => language
            .pick("（医師は理由を付けて接種可: --override）", " (a doctor may, with a reason: --override)"),
        _ => "",
    };
    let text = said(finding.text.as_ref(), language);
    format!("[{mark}] {text}{doctor} [{}{unconfirmed}]", rule.id)
}

fn gap(gap: HistoryGap, language: Language) -> &'static str {
    match gap {
        HistoryGap::HomeUnknown => language.pick("住民登録地が不明", "nobody knows the home municipality"),
        HistoryGap::RegisterStale => {
            language.pick("自治体の台帳が古い", "the municipality's register is out of date")
        }
        HistoryGap::RegisterNotDelivered | HistoryGap::Unspecified => {
            language.pick("自治体の台帳が未登録", "the municipality's register is not here")
        }
    }
}

fn basis(evaluation: &Evaluation, language: Language) -> String {
    let history = match evaluation.history() {
        HistoryState::Complete => {
            language.pick("自治体の台帳で完全", "complete by the municipality's register").to_owned()
        }
        HistoryState::PaperSeen => {
            language.pick("母子健康手帳で確認", "compared with the handbook").to_owned()
        }
        HistoryState::Incomplete | HistoryState::Unspecified => {
            let why = gap(evaluation.history_gap(), language);
            language.pick(
                format!("不完全の可能性（{why}。母子健康手帳で確認を）"),
                format!("may be incomplete ({why}): compare the handbook"),
            )
        }
    };
    let version = &evaluation.rules_version;
    language
        .pick(format!("接種歴: {history}。規則 {version}"), format!("history: {history}; rules {version}"))
}

fn proof(step: &Step, language: Language) -> String {
    let (name, index, size) = (step.name, step.proof.index, step.proof.checkpoint.size());
    language.pick(
        format!("{name} の記録の証明: 確認済み（番号{index}、全{size}件）"),
        format!("{name} receipt: verified (entry {index} of {size})"),
    )
}

pub(super) const UNKNOWN: (&str, &str) = ("確認できません", "Not known");
pub(super) const PAPER: (&str, &str) = (
    "接種の可否は、この画面では分かりません。母子健康手帳と予診票で確かめ、接種したときは後日記録してください。",
    "This says nothing about the shot: go by the handbook and the paper form, and record a shot that was given later.",
);
