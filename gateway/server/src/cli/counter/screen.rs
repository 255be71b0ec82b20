//! What a receptionist reads: one large line, one instruction, and the rows behind it.

use std::io::{IsTerminal as _, stdout};
use std::process::ExitCode;

use anyhow::Result;
use jiff::Timestamp;
use pmh_domain::eligibility::{CounterAction as Action, action_line};
use pmh_domain::time::tokyo_minute;
use pmh_proto::common::Text;
use pmh_proto::eligibility::{
    CareType, CopaymentRule, CopaymentUnit, CounterAction, EligibilityResult, Entitlement, Outcome,
};
use pmh_proto::presence::Notice;
use serde_json::Value;
use unicode_width::UnicodeWidthStr as _;

use super::trouble::Trouble;
use super::visit::Visited;
use crate::cli::output::{Language, aside, json, line, table, witnesses_line};

/// The screen of an answer.
pub(super) fn answer(visited: &Visited, language: Language) -> Vec<String> {
    let response = &visited.answer.response;
    let summary = response.summary.clone().unwrap_or_default();
    let mut lines =
        large(said(summary.headline.as_ref(), language), said(summary.receptionist.as_ref(), language));
    lines.extend(visited.notices.iter().filter_map(|notice| notice_line(*notice, language)).map(indented));
    if !response.results.is_empty() {
        lines.push(String::new());
        lines.extend(table(&rows(&response.results, language)).into_iter().map(indented));
    }
    lines.push(String::new());
    lines.push(indented(proof(visited, language)));
    let mark = response.receipt.as_ref().and_then(|receipt| receipt.witnesses.as_ref());
    lines.extend(witnesses_line(mark, language).map(indented));
    lines
}

/// The screen of no answer.
pub(super) fn trouble(trouble: &Trouble, language: Language) -> Vec<String> {
    let paper = action_line(Action::UsePaper);
    no_answer(trouble, language.of(&paper), language.of(&trouble.line()))
}

/// The same in a command's own words: what is not known, and what to go by.
pub(super) fn no_answer(trouble: &Trouble, headline: &str, instruction: &str) -> Vec<String> {
    let mut lines = large(headline, instruction);
    lines.push(indented(format!("[{}]", trouble.reason())));
    lines
}

/// How a command without an answer ends: its screen, or for a program its document, and the cause aside.
pub(super) fn unanswered(
    trouble: Trouble,
    screen: Vec<String>,
    document: &Value,
    is_json: bool,
) -> Result<ExitCode> {
    if is_json {
        json(document)?;
    } else {
        screen.into_iter().for_each(line);
    }
    aside(format_args!("pmh: {:#}", anyhow::Error::from(trouble)));
    Ok(ExitCode::FAILURE)
}

pub(super) fn large(headline: &str, instruction: &str) -> Vec<String> {
    let rule = "━".repeat((headline.width() + 8).max(40));
    let headline = format!("    {headline}");
    let headline = if stdout().is_terminal() { format!("\x1b[1m{headline}\x1b[0m") } else { headline };
    vec![rule.clone(), headline, rule, indented(instruction)]
}

pub(super) fn indented(text: impl std::fmt::Display) -> String {
    format!("  {text}")
}

fn notice_line(notice: Notice, language: Language) -> Option<&'static str> {
    match notice {
        Notice::NewCredentialUnlinked => Some(language.pick(
            "※ このカードは、まだどの実施機関の登録とも結び付いていません。",
            "* No issuer has linked this card yet.",
        )),
        Notice::CardInGrace => Some(language.pick(
            "※ カードの電子証明書の期限が切れています。市区町村の窓口での更新をご案内ください。",
            "* The card's certificate has ended; it is renewed at the municipality.",
        )),
        Notice::Unspecified => None,
    }
}

fn proof(visited: &Visited, language: Language) -> String {
    let proof = &visited.answer.proof;
    let (origin, index, size) = (proof.checkpoint.origin(), proof.index, proof.checkpoint.size());
    match language {
        Language::Ja => format!("記録の証明: 確認済み（{origin}、番号{index}、全{size}件）"),
        Language::En => format!("receipt: verified (entry {index} of {size}, {origin})"),
    }
}

fn rows(results: &[EligibilityResult], language: Language) -> Vec<Vec<String>> {
    let titles = language.pick(
        ["制度", "判定", "窓口での対応", "負担者番号", "受給者番号", "有効期間", "自己負担", "基準時点"],
        ["scheme", "outcome", "here", "payer", "recipient", "valid", "copayment", "as of"],
    );
    let titles = titles.map(str::to_owned).to_vec();
    std::iter::once(titles).chain(results.iter().flat_map(|result| of_result(result, language))).collect()
}

/// One line for each right, and one for a result without any. The action speaks about the first right alone.
fn of_result(result: &EligibilityResult, language: Language) -> Vec<Vec<String>> {
    let name = said(result.group_name.as_ref(), language);
    let scheme = format!("{name} ({})", result.group);
    let as_of = result.as_of.as_ref().and_then(|at| Timestamp::new(at.seconds, at.nanos).ok());
    let as_of = as_of.map(tokyo_minute).unwrap_or_default();
    let first = [scheme, outcome(result.outcome(), language), action(result.counter_action(), language)];
    let line = |front: [String; 3], right: Option<&Entitlement>| {
        let [payer, recipient, valid, share] =
            right.map(|right| of_right(right, language)).unwrap_or_default();
        front.into_iter().chain([payer, recipient, valid, share, as_of.clone()]).collect()
    };
    let mut rights = result.entitlements.iter();
    let mut lines: Vec<Vec<String>> = vec![line(first, rights.next())];
    lines.extend(rights.map(|right| line(Default::default(), Some(right))));
    lines
}

fn of_right(right: &Entitlement, language: Language) -> [String; 4] {
    let copayments = right.copayments.iter().map(|rule| copayment(rule, language));
    let separator = language.pick("、", ", ");
    [
        right.payer_number.clone(),
        right.recipient_number.clone(),
        validity(right, language),
        copayments.collect::<Vec<_>>().join(separator),
    ]
}

fn validity(right: &Entitlement, language: Language) -> String {
    let range = right.validity.clone().unwrap_or_default();
    let days = format!("{}{}{}", range.from, language.pick("〜", " to "), range.to);
    match right.days_to_expiry {
        Some(left @ 0..=SOON) => {
            language.pick(format!("{days}（あと{left}日）"), format!("{days} ({left} days left)"))
        }
        _ => days,
    }
}

fn copayment(rule: &CopaymentRule, language: Language) -> String {
    let care = match rule.care_type() {
        CareType::Unspecified => "",
        CareType::Outpatient => language.pick("外来", "outpatient "),
        CareType::Inpatient => language.pick("入院", "inpatient "),
        CareType::Pharmacy => language.pick("調剤", "pharmacy "),
        CareType::VisitingNursing => language.pick("訪問看護", "visiting nursing "),
    };
    let apart =
        if rule.per_institution { language.pick("（医療機関ごと）", " per institution") } else { "" };
    format!("{care}{}{apart}", amount(rule, language))
}

fn amount(rule: &CopaymentRule, language: Language) -> String {
    let yen = grouped(rule.amount);
    let count = rule.amount;
    match (rule.unit(), count) {
        (CopaymentUnit::RatePercent, 0) => language.pick("負担なし", "none").to_owned(),
        (CopaymentUnit::RatePercent, _) if count.is_multiple_of(10) => {
            language.pick(format!("{}割", count / 10), format!("{count}%"))
        }
        (CopaymentUnit::RatePercent, _) => format!("{count}%"),
        (CopaymentUnit::YenPerMonth, _) => {
            language.pick(format!("月{yen}円まで"), format!("up to ¥{yen} a month"))
        }
        (CopaymentUnit::YenPerDay, _) => {
            language.pick(format!("1日{yen}円まで"), format!("up to ¥{yen} a day"))
        }
        (CopaymentUnit::YenPerVisit, _) => {
            language.pick(format!("1回{yen}円まで"), format!("up to ¥{yen} a visit"))
        }
        (CopaymentUnit::CountPerMonth, _) => {
            language.pick(format!("月{count}回まで"), format!("at most {count} times a month"))
        }
        (CopaymentUnit::Unspecified, _) => String::new(),
    }
}

/// 10000 is 10,000.
fn grouped(amount: u32) -> String {
    let digits = amount.to_string();
    let mut text = String::new();
    for (position, digit) in digits.chars().enumerate() {
        if position > 0 && (digits.len() - position).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

fn outcome(outcome: Outcome, language: Language) -> String {
    let (ja, en) = match outcome {
        Outcome::Unspecified => ("", ""),
        Outcome::Eligible => ("有効", "in force"),
        Outcome::NotConsented => ("同意なし", "no consent"),
        Outcome::NoEntitlement => ("登録なし", "none registered"),
        Outcome::Lapsed => ("期間終了", "ended"),
        Outcome::NotYetValid => ("開始前", "not begun"),
        Outcome::IssuerNotConnected => ("未連携", "not connected"),
        Outcome::SourceStale => ("データが古い", "data too old"),
        Outcome::CardLimited => ("カード制限", "card limited"),
    };
    language.pick(ja, en).to_owned()
}

fn action(action: CounterAction, language: Language) -> String {
    let (ja, en) = match action {
        CounterAction::Unspecified => ("", ""),
        CounterAction::ApplyHere => ("公費を適用", "apply"),
        CounterAction::CollectShareThenReimburse => ("償還払い", "collect share"),
        CounterAction::NotDesignatedHere => ("指定外", "not designated"),
        CounterAction::AskIssuer => ("実施機関へ確認", "ask issuer"),
        CounterAction::UsePaper => ("紙で確認", "use paper"),
    };
    language.pick(ja, en).to_owned()
}

pub(super) fn said(text: Option<&Text>, language: Language) -> &str {
    text.map(|text| language.pick(text.ja.as_str(), text.en.as_str())).unwrap_or_default()
}

/// Days before its end from which a right's end is worth a word at the counter: a renewal takes about a month.
const SOON: i32 = 30;

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(unit: CopaymentUnit, amount: u32) -> CopaymentRule {
        CopaymentRule { unit: unit.into(), amount, ..Default::default() }
    }

    #[test]
    fn copayments_read_as_on_the_certificate() {
        let cases = [
            (rule(CopaymentUnit::RatePercent, 0), "負担なし", "none"),
            (rule(CopaymentUnit::RatePercent, 20), "2割", "20%"),
            (rule(CopaymentUnit::YenPerMonth, 10_000), "月10,000円まで", "up to ¥10,000 a month"),
            (rule(CopaymentUnit::CountPerMonth, 2), "月2回まで", "at most 2 times a month"),
        ];
        for (rule, ja, en) in cases {
            assert_eq!(copayment(&rule, Language::Ja), ja);
            assert_eq!(copayment(&rule, Language::En), en);
        }
        let apart = CopaymentRule {
            care_type: CareType::Outpatient.into(),
            per_institution: true,
            ..rule(CopaymentUnit::YenPerVisit, 500)
        };
        assert_eq!(copayment(&apart, Language::Ja), "外来1回500円まで（医療機関ごと）");
    }

    #[test]
    fn yen_are_grouped_by_thousands() {
        for (amount, text) in [(0, "0"), (999, "999"), (1_000, "1,000"), (1_234_567, "1,234,567")] {
            assert_eq!(grouped(amount), text);
        }
    }
}
