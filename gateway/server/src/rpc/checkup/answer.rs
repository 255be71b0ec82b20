//! Outcomes become messages.

use pmh_domain::checkup::{
    item::{Entry, Value},
    questionnaire::Answers,
    record::Checkup,
    scores::Scores,
    urgent::{CaseStanding, Cause, UrgentCase as Standing},
};
use pmh_proto::{
    checkup as pb,
    common::{BulkSummary, Text},
};
use pmh_store::checkup::{BatchState, CaseList, EndedBatch, Undone, UrgentCase};

use super::{
    super::{bulk, convert},
    parse,
};
use crate::ops::bulk::RowReport;

pub(super) fn chunk(reports: &[RowReport], changes: &[(usize, Vec<String>)]) -> pb::PushCheckupsResponse {
    let change = |(position, fields): &(usize, Vec<String>)| {
        let row = reports.get(*position)?;
        Some(pb::RowChange { row_id: row.row_id.clone(), fields: fields.clone() })
    };
    pb::PushCheckupsResponse {
        rows: bulk::results(reports),
        changes: changes.iter().filter_map(change).collect(),
        ..Default::default()
    }
}

pub(super) fn ended(rows: BulkSummary, ended: &EndedBatch) -> pb::PushCheckupsResponse {
    let text = |(ja, en): &(String, String)| Text { ja: ja.clone(), en: en.clone() };
    let summary = pb::PushSummary {
        rows: Some(rows),
        state: state(ended.state).into(),
        departures: ended.departures.iter().map(text).collect(),
        empty_columns: ended.empty_columns.clone(),
    };
    pb::PushCheckupsResponse { summary: Some(summary), ..Default::default() }
}

pub(super) fn undone(undone: &Undone) -> pb::UndoBatchResponse {
    pb::UndoBatchResponse {
        restored: undone.restored,
        superseded: undone.superseded,
        superseded_record_ids: undone.superseded_ids.clone(),
        receipt: None,
    }
}

pub(super) fn cases(list: &CaseList) -> pb::ListUrgentCasesResponse {
    pb::ListUrgentCasesResponse {
        cases: list.cases.iter().map(|urgent| case(urgent, list.now_us)).collect(),
        has_more: list.has_more,
        receipt: None,
    }
}

pub(super) fn case(kept: &UrgentCase, now_us: i64) -> pb::UrgentCase {
    let cause = match kept.cause {
        Cause::Total => pb::UrgentCause::Total,
        Cause::Item10 => pb::UrgentCause::Item10,
        Cause::TotalAndItem10 => pb::UrgentCause::TotalAndItem10,
    };
    pb::UrgentCase {
        case_id: kept.case_id.clone(),
        resident_key: kept.resident_key.clone(),
        record_id: kept.record_id.clone(),
        cause: cause.into(),
        raised_at: Some(convert::micros(kept.raised_us)),
        read_at: kept.read_us.map(convert::micros),
        escalations: escalations(kept, now_us),
        sender: urn(&kept.sender),
    }
}

/// Of `<kind>:<code>`; empty stays empty.
pub(super) fn urn(short: &str) -> String {
    if short.is_empty() { String::new() } else { format!("urn:x-pmh:org:{short}") }
}

fn escalations(case: &UrgentCase, now_us: i64) -> u32 {
    let instant = jiff::Timestamp::from_microsecond;
    let (Ok(raised), Ok(now)) = (instant(case.raised_us), instant(now_us)) else { return 0 };
    if case.read_us.is_some() {
        return 0;
    }
    match Standing::raised(raised).standing(now, ESCALATE_EVERY) {
        CaseStanding::Unread { escalations } => escalations,
        CaseStanding::Read { .. } => 0,
    }
}

/// Ours; no source was read that says how soon a person must have looked.
const ESCALATE_EVERY: jiff::SignedDuration = jiff::SignedDuration::from_hours(1);

fn state(state: BatchState) -> pb::BatchState {
    match state {
        BatchState::Open => pb::BatchState::Open,
        BatchState::Accepted => pb::BatchState::Accepted,
        BatchState::Held => pb::BatchState::Held,
        BatchState::Undone => pb::BatchState::Undone,
        BatchState::Abandoned => pb::BatchState::Abandoned,
    }
}

pub(in crate::rpc) fn record(checkup: &Checkup) -> pb::CheckupRecord {
    let own = checkup.own_code.as_ref();
    pb::CheckupRecord {
        record_id: checkup.record_id.clone(),
        source_version: checkup.source_version.to_string(),
        resident_key: checkup.resident_key.as_ref().map_or("", |key| key.as_str()).to_owned(),
        mother_key: checkup.mother_key.as_ref().map_or("", |key| key.as_str()).to_owned(),
        kind: parse::kind_word(checkup.kind).into(),
        date: checkup.date.to_string(),
        institution: checkup.institution.as_ref().map(ToString::to_string).unwrap_or_default(),
        pregnancy: checkup.pregnancy.clone(),
        birth_order: checkup.birth_order.map_or(0, u32::from),
        gestation: checkup.gestation.map(|gestation| gestation.age.to_string()).unwrap_or_default(),
        gestation_basis: checkup.gestation.map_or(0, |gestation| parse::basis_word(gestation.basis).into()),
        items: checkup.items.iter().map(|(code, entry)| item(code, entry)).collect(),
        scores: checkup.scores.iter().map(scores).collect(),
        questionnaire: checkup.questionnaire.as_ref().map(questionnaire),
        disposition: checkup.disposition.map_or(0, |disposition| parse::disposition_word(disposition).into()),
        own_code: own.map_or("", |own| &own.code).to_owned(),
        own_label: own.map_or("", |own| &own.label).to_owned(),
        detailed_exam_on: checkup.detailed_exam_on.map(|day| day.to_string()).unwrap_or_default(),
        withdrawn: checkup.withdrawn,
    }
}

fn item(code: &str, entry: &Entry) -> pb::ItemEntry {
    pb::ItemEntry {
        code: code.to_owned(),
        value: entry.value.as_ref().map(value).unwrap_or_default(),
        unit: entry.unit.clone(),
        method: entry.method.clone(),
        finding: entry.finding.map_or(0, |finding| parse::finding_word(finding).into()),
        note: entry.note.clone(),
    }
}

/// In the form in which it is sent.
fn value(value: &Value) -> String {
    match value {
        Value::Amount(amount) => amount.to_string(),
        Value::Count(count) => count.to_string(),
        Value::YesNo(yes) => if *yes { "yes" } else { "no" }.to_owned(),
        Value::Grade(grade) => grade.to_string(),
        Value::Code(code) => code.clone(),
        Value::Date(date) => date.to_string(),
        Value::Datetime(minute) => minute.strftime("%Y-%m-%dT%H:%M").to_string(),
        Value::Gestation(age) => age.to_string(),
    }
}

fn scores(scores: &Scores) -> pb::InstrumentScores {
    pb::InstrumentScores {
        instrument: parse::instrument_word(scores.instrument).into(),
        items: scores.items.iter().map(|score| score.map_or(parse::NO_ANSWER, i32::from)).collect(),
        total: scores.total.map(u32::from),
    }
}

fn questionnaire(sheet: &Answers) -> pb::Questionnaire {
    let answers = sheet.answers.iter().map(|(question, answer)| pb::QuestionnaireAnswer {
        question: question.clone(),
        value: answer.value.clone(),
        origin: parse::origin_word(answer.origin).into(),
    });
    pb::Questionnaire { form: sheet.form.clone(), version: sheet.version.clone(), answers: answers.collect() }
}
