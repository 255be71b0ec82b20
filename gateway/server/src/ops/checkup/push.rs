//! A chunk of rows: judged by the rules, counted for the gate, looked at for urgent cases, kept.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

use jiff::civil::Date;
use pmh_audit::registry;
use pmh_auth::policy::Permit;
use pmh_domain::{
    checkup::{
        anomaly::{BatchShape, Cell, Counting},
        item::{Entry, Value},
        kind::CheckupKind,
        problem::{Checked, Problem, Reason as RuleReason, Refusal as RuleRefusal},
        record::{Checkup, Context, RawCheckup},
    },
    problem::FieldReason,
    resident::Sex,
    time::tokyo_date,
};
use pmh_proto::common::Reason;
use pmh_store::{
    Concluding, RowVerdict,
    checkup::{CheckupChunk, KnownResident, PlacedChunk},
};

use super::{Kept, urgent};
use crate::{
    ops::{
        Call, Gateway,
        bulk::{Batch, Judged, Received, RowReport, Said, detail_salt},
        refusals::{refused, settled},
        unavailable,
    },
    rpc::status::{Refusal, reason_named},
};

/// A batch while its stream runs. What it keeps does not grow with the rows.
#[derive(Debug)]
pub struct PushStream {
    /// As the header names it.
    pub batch: Batch,
    shapes: Mutex<Shapes>,
}

pub(super) type Shapes = BTreeMap<CheckupKind, BatchShape>;

impl PushStream {
    /// A stream that begins.
    pub fn new(batch: Batch) -> Self {
        Self { batch, shapes: Mutex::default() }
    }

    pub(super) fn shapes(&self) -> Shapes {
        self.shapes.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn count<'a>(&self, checkups: impl Iterator<Item = &'a Checkup>) {
        let mut shapes = self.shapes.lock().unwrap_or_else(PoisonError::into_inner);
        for checkup in checkups.filter(|checkup| !checkup.withdrawn) {
            count(shapes.entry(checkup.kind).or_default(), checkup);
        }
    }
}

/// Keeps a chunk; the answer has one report per row, in order. Of a dry run it has the fields that would change.
pub async fn push_rows(
    gateway: &Gateway,
    call: &Call,
    permit: &Permit,
    stream: &PushStream,
    rows: Vec<Received<RawCheckup>>,
    render: impl Fn(&[RowReport], &[(usize, Vec<String>)]) -> Vec<u8> + Send + 'static,
) -> Result<Kept, Refusal> {
    let (issuer, today) = (call.issuer()?, tokyo_date(call.now));
    let keys: Vec<&str> = rows.iter().map(|row| row.raw.resident_key.as_str()).collect();
    let known = gateway.store.reader().known_residents(issuer, &keys).await;
    let known = known.map_err(|fault| unavailable(&fault))?;
    let mut judged = Judged::of(registry::Categories::CHECKUP);
    for row in &rows {
        let (verdict, said) = judge(row, known.get(&row.raw.resident_key), today);
        judged.push_said(row, verdict, said);
    }
    let accepted = judged.rows.iter().filter_map(|row| match &row.verdict {
        RowVerdict::Accepted(checkup) => Some(checkup),
        _ => None,
    });
    stream.count(accepted);
    let report = judged.report();
    let chunk = CheckupChunk {
        sender: issuer,
        method: permit.method(),
        batch_id: stream.batch.batch_id.clone(),
        dry_run: stream.batch.dry_run,
        cases: urgent::cases(&gateway.urgent_rules.load(), issuer, &stream.batch.batch_id, &rows, today),
        rows: judged.rows,
    };
    let attempt = gateway.attempt();
    let salt = detail_salt(&attempt);
    let (call, dry_run) = (call.clone(), stream.batch.dry_run);
    let recorded = gateway
        .store
        .push_checkups(attempt, chunk, move |concluding| {
            let Concluding::Fresh(PlacedChunk { done, changes }) = concluding else {
                return refused(Reason::Internal);
            };
            let render = |reports: &[RowReport]| render(reports, &changes);
            report.conclude(&call, dry_run, &salt, Concluding::Fresh(done), render)
        })
        .await
        .map_err(|fault| unavailable(&fault))?;
    settled(recorded)
}

/// The verdict on a row of a municipality.
fn judge(
    row: &Received<RawCheckup>,
    known: Option<&KnownResident>,
    today: Date,
) -> (RowVerdict<Checkup>, Said) {
    let context = Context {
        today,
        birth: known.map(|known| known.birth_date),
        sex: known.map_or(Sex::Unknown, |known| known.sex),
    };
    let unknown = row.unknown_words.iter().map(|field| (field.clone(), Reason::Value, false));
    verdict(Checkup::validate(&row.raw, &context), unknown.collect())
}

/// What the rules found and what else is wrong with a row, in one.
pub(super) fn verdict(
    checked: Result<Checked<Checkup>, RuleRefusal>,
    wrong: Said,
) -> (RowVerdict<Checkup>, Said) {
    let (value, mut said) = match checked {
        Ok(checked) => (Some(checked.value), say(&checked.warnings, true)),
        Err(refusal) => (None, say(refusal.problems(), false)),
    };
    let value = value.filter(|_| wrong.is_empty());
    said.extend(wrong);
    let forbidden = said.iter().find(|(_, reason, _)| *reason == Reason::IndividualNumberForbidden);
    let verdict = match (forbidden, value) {
        (Some((field, ..)), _) => RowVerdict::Quarantined { field: field.clone() },
        (None, Some(checkup)) => RowVerdict::Accepted(checkup),
        (None, None) => RowVerdict::Rejected,
    };
    (verdict, said)
}

pub(super) fn say(problems: &[Problem], warning: bool) -> Said {
    let say = |problem: &Problem| {
        let reason = match problem.reason {
            RuleReason::Field(FieldReason::IndividualNumberForbidden) => Reason::IndividualNumberForbidden,
            reason => reason_named(reason.name()).unwrap_or(Reason::Value),
        };
        (problem.field.clone(), reason, warning)
    };
    problems.iter().map(say).collect()
}

/// What the gate compares: which items there are, which findings, and what was judged.
fn count(shape: &mut BatchShape, checkup: &Checkup) {
    let (mut values, mut findings) = (Vec::new(), Vec::new());
    for (code, entry) in &checkup.items {
        values.push((code.as_str(), coded(entry)));
        if let Some(finding) = entry.finding {
            findings.push((format!("{code}.finding"), finding.name()));
        }
    }
    let presence = |is_there: bool| if is_there { "yes" } else { "" };
    let disposition = checkup.disposition.map(|disposition| format!("{disposition:?}")).unwrap_or_default();
    let own_code = checkup.own_code.as_ref().map_or("", |own| own.code.as_str());
    let cell = |column, value, counting| Cell { column, value, counting };
    let own = [
        cell("disposition", &*disposition, Counting::Codes),
        cell("own_code", own_code, Counting::Codes),
        cell("institution", presence(checkup.institution.is_some()), Counting::Presence),
        cell("questionnaire", presence(checkup.questionnaire.is_some()), Counting::Presence),
        cell("mother_key", presence(checkup.mother_key.is_some()), Counting::Presence),
    ];
    let scores =
        checkup.scores.iter().map(|scores| cell(scores.instrument.name(), "yes", Counting::Presence));
    let values = values.iter().map(|(code, value)| match value {
        Some(value) => cell(*code, value.as_str(), Counting::Codes),
        None => cell(*code, "yes", Counting::Presence),
    });
    let findings = findings.iter().map(|(column, value)| cell(column.as_str(), *value, Counting::Codes));
    shape.add_row(own.into_iter().chain(scores).chain(values).chain(findings));
}

/// Values whose codes are counted one by one.
fn coded(entry: &Entry) -> Option<String> {
    match entry.value.as_ref()? {
        Value::Code(code) => Some(code.clone()),
        Value::YesNo(yes) => Some(if *yes { "yes" } else { "no" }.to_owned()),
        Value::Grade(grade) => Some(grade.to_string()),
        _ => None,
    }
}
