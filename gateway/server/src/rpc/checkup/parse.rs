//! Rows of the contract become rows of the rules. What the rules can judge is left to them; here only words and numbers
//! that have no place there are refused.

use jiff::civil::Date;
use pmh_domain::checkup::{
    gestation::GestationBasis,
    item::RawEntry,
    judgement::{Disposition, Finding},
    kind::CheckupKind,
    questionnaire::{Answer, Origin, RawAnswers},
    record::RawCheckup,
    scores::{Instrument, RawScores},
};
use pmh_proto::{checkup as pb, common::Reason};

use super::super::{
    bulk::{self, Item},
    fields::Fields,
    status::Refusal,
    tickets::parse as tickets,
};
use crate::ops::{
    bulk::{Received, Said},
    checkup::RawVisit,
    tickets::TicketName,
};

pub(super) fn item(message: pb::PushCheckupsRequest) -> Item<pb::CheckupRow> {
    match message.item {
        Some(pb::push_checkups_request::Item::Header(header)) => Item::Header(header),
        Some(pb::push_checkups_request::Item::Row(row)) => Item::Row(row),
        None => Item::Nothing,
    }
}

pub(super) fn rows(rows: Vec<pb::CheckupRow>) -> Result<Vec<Received<RawCheckup>>, Refusal> {
    let read = |row: pb::CheckupRow| {
        let (raw, mut unknown) = record(row.record.unwrap_or_default());
        // A municipality names its residents by its own key; of two names one could be another's.
        unknown.extend(row.holder.map(|_| "holder".to_owned()));
        (raw, unknown)
    };
    received(rows, read)
}

pub(super) fn visits(rows: Vec<pb::CheckupRow>) -> Result<Vec<Received<RawVisit>>, Refusal> {
    let read = |row: pb::CheckupRow| {
        let (raw, unknown) = record(row.record.unwrap_or_default());
        (RawVisit { raw, holder: holder(row.holder.as_ref()) }, unknown)
    };
    received(rows, read)
}

fn received<T>(
    rows: Vec<pb::CheckupRow>,
    read: impl Fn(pb::CheckupRow) -> (T, Vec<String>),
) -> Result<Vec<Received<T>>, Refusal> {
    let row = |row: pb::CheckupRow| {
        let row_id = row.row_id.clone();
        bulk::received_as(row, &row_id, &read)
    };
    rows.into_iter().map(row).collect()
}

/// Whose row it is, or what is wrong with that.
fn holder(holder: Option<&pb::TicketHolder>) -> Result<(TicketName, Date), Said> {
    let Some(holder) = holder else { return Err(vec![("holder".to_owned(), Reason::Required, false)]) };
    let mut checked = Fields::default();
    let issuer = tickets::issuer(&mut checked, "holder.issuer", &holder.issuer);
    let number = checked.identifier("holder.number", &holder.number, tickets::MAX_ID);
    let birth_date = checked.date("holder.birth_date", &holder.birth_date);
    let wrong = checked.into_violations().into_iter();
    let wrong = wrong.map(|violation| (violation.path, violation.reason, false));
    match (issuer, number, birth_date) {
        (Some(issuer), Some(number), Some(born)) => Ok((TicketName { issuer, number }, born)),
        _ => Err(wrong.collect()),
    }
}

/// A single record, and its fields with a word or number that the contract does not know.
pub(super) fn record(record: pb::CheckupRecord) -> (RawCheckup, Vec<String>) {
    let mut unknown = Unknown::default();
    (unknown.record(record), unknown.fields)
}

/// Fields with a word or number that the contract does not know.
#[derive(Default)]
struct Unknown {
    fields: Vec<String>,
}

impl Unknown {
    fn record(&mut self, record: pb::CheckupRecord) -> RawCheckup {
        let kind = self.word("kind", record.kind).and_then(kind);
        let gestation_basis = self.word("gestation_basis", record.gestation_basis).and_then(basis);
        let disposition = self.word("disposition", record.disposition).and_then(disposition);
        let birth_order = (record.birth_order != 0).then(|| self.small("birth_order", record.birth_order));
        RawCheckup {
            record_id: record.record_id,
            source_version: record.source_version,
            resident_key: record.resident_key,
            mother_key: record.mother_key,
            kind,
            date: record.date,
            institution: record.institution,
            pregnancy: record.pregnancy,
            birth_order,
            gestation: record.gestation,
            gestation_basis,
            items: record.items.into_iter().map(|entry| self.entry(entry)).collect(),
            scores: record.scores.into_iter().filter_map(|scores| self.scores(&scores)).collect(),
            questionnaire: record.questionnaire.map(|sheet| self.answers(sheet)),
            disposition,
            own_code: record.own_code,
            own_label: record.own_label,
            detailed_exam_on: record.detailed_exam_on,
            withdrawn: record.withdrawn,
        }
    }

    fn entry(&mut self, entry: pb::ItemEntry) -> RawEntry {
        let finding = self.word("items.finding", entry.finding).and_then(finding);
        RawEntry {
            code: entry.code,
            value: entry.value,
            unit: entry.unit,
            method: entry.method,
            finding,
            note: entry.note,
        }
    }

    fn scores(&mut self, scores: &pb::InstrumentScores) -> Option<RawScores> {
        let instrument = self.word("scores.instrument", scores.instrument).and_then(instrument);
        if instrument.is_none() && scores.instrument == 0 {
            self.fields.push("scores.instrument".to_owned());
        }
        let item = |score: &i32| match *score {
            NO_ANSWER => None,
            score => Some(u8::try_from(score).unwrap_or(u8::MAX)),
        };
        let items = scores.items.iter().map(item).collect();
        let total = scores.total.map(|total| self.small("scores.total", total));
        Some(RawScores { instrument: instrument?, items, total })
    }

    fn answers(&mut self, sheet: pb::Questionnaire) -> RawAnswers {
        let mut answers = Vec::with_capacity(sheet.answers.len());
        for answer in sheet.answers {
            match self.word("questionnaire.answers.origin", answer.origin).and_then(origin) {
                Some(origin) => answers.push((answer.question, Answer { value: answer.value, origin })),
                None if answer.origin == 0 => self.fields.push("questionnaire.answers.origin".to_owned()),
                None => {}
            }
        }
        RawAnswers { form: sheet.form, version: sheet.version, answers }
    }

    fn word<T: TryFrom<i32>>(&mut self, path: &str, number: i32) -> Option<T> {
        let word = T::try_from(number).ok();
        if word.is_none() {
            self.fields.push(path.to_owned());
        }
        word
    }

    /// A number that is larger than any of its kind stays wrong.
    fn small(&mut self, path: &str, number: u32) -> u8 {
        u8::try_from(number).unwrap_or_else(|_| {
            self.fields.push(path.to_owned());
            u8::MAX
        })
    }
}

/// An item of a questionnaire that was left open.
pub(super) const NO_ANSWER: i32 = -1;

macro_rules! words {
    ($($to_rule:ident $to_wire:ident $wire:ident $rule:ident { $($word:ident)* })*) => {
        $(
            pub(in crate::rpc) fn $to_rule(word: pb::$wire) -> Option<$rule> {
                match word {
                    pb::$wire::Unspecified => None,
                    $(pb::$wire::$word => Some($rule::$word),)*
                }
            }

            pub(in crate::rpc) fn $to_wire(word: $rule) -> pb::$wire {
                match word {
                    $($rule::$word => pb::$wire::$word,)*
                }
            }
        )*
    };
}

words! {
    kind kind_word CheckupKind CheckupKind {
        Pregnancy Delivery Newborn Hearing Metabolic Postpartum Month1 Month3To4 Month6To7 Month9To10 Month18 Year3
        Year5 Dental Vision
    }
    basis basis_word GestationBasis GestationBasis { LastPeriod Ultrasound Conception Unknown }
    finding finding_word Finding Finding { None Present NotExamined Unknown }
    disposition disposition_word Disposition Disposition {
        Nothing UnderTreatment Guidance Observation DetailedExamination Treatment
    }
    instrument instrument_word Instrument Instrument { SupportChecklist Epds Bonding }
    origin origin_word AnswerOrigin Origin { Paper App Interview Prefilled }
}
