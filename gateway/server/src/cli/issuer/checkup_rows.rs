//! Checkups that were read, as the contract sends them, and back.

use std::collections::BTreeSet;

use pmh_domain::checkup::gestation::GestationBasis as Basis;
use pmh_domain::checkup::item::RawEntry;
use pmh_domain::checkup::judgement::{Disposition as Next, Finding as Found};
use pmh_domain::checkup::kind::CheckupKind as Kind;
use pmh_domain::checkup::record::RawCheckup;
use pmh_domain::checkup::scores::{Instrument as Scale, RawScores};
use pmh_intake::{CheckupRow, Intake};
use pmh_proto::checkup as wire;

use super::rows::{Batch, Rows};

/// Every row is a checkup.
pub(super) fn checkups(intake: &Intake<CheckupRow>) -> Batch {
    let row = |row: &CheckupRow| wire::CheckupRow {
        row_id: row.row_id.clone(),
        record: Some(record(&row.raw)),
        holder: None,
    };
    Batch { rows: Rows::Checkups(intake.rows.iter().map(row).collect()), repeated: BTreeSet::new() }
}

/// The record of the contract. Parents' answers have no columns in a file.
pub(crate) fn record(raw: &RawCheckup) -> wire::CheckupRecord {
    wire::CheckupRecord {
        record_id: raw.record_id.clone(),
        source_version: raw.source_version.clone(),
        resident_key: raw.resident_key.clone(),
        mother_key: raw.mother_key.clone(),
        kind: number(KINDS, raw.kind),
        date: raw.date.clone(),
        institution: raw.institution.clone(),
        pregnancy: raw.pregnancy.clone(),
        birth_order: raw.birth_order.map_or(0, u32::from),
        gestation: raw.gestation.clone(),
        gestation_basis: number(BASES, raw.gestation_basis),
        items: raw.items.iter().map(entry).collect(),
        scores: raw.scores.iter().map(scores).collect(),
        questionnaire: None,
        disposition: number(NEXT, raw.disposition),
        own_code: raw.own_code.clone(),
        own_label: raw.own_label.clone(),
        detailed_exam_on: raw.detailed_exam_on.clone(),
        withdrawn: raw.withdrawn,
    }
}

/// A record that was read back, for a file.
pub(crate) fn raw(record: wire::CheckupRecord) -> RawCheckup {
    let item = |entry: wire::ItemEntry| RawEntry {
        code: entry.code,
        value: entry.value,
        unit: entry.unit,
        method: entry.method,
        finding: word(FOUND, entry.finding),
        note: entry.note,
    };
    let scores = |scores: wire::InstrumentScores| {
        let items = scores.items.iter().map(|score| u8::try_from(*score).ok()).collect();
        let total = scores.total.and_then(|total| u8::try_from(total).ok());
        Some(RawScores { instrument: word(SCALES, scores.instrument)?, items, total })
    };
    RawCheckup {
        record_id: record.record_id,
        source_version: record.source_version,
        resident_key: record.resident_key,
        mother_key: record.mother_key,
        kind: word(KINDS, record.kind),
        date: record.date,
        institution: record.institution,
        pregnancy: record.pregnancy,
        birth_order: u8::try_from(record.birth_order).ok().filter(|order| *order != 0),
        gestation: record.gestation,
        gestation_basis: word(BASES, record.gestation_basis),
        items: record.items.into_iter().map(item).collect(),
        scores: record.scores.into_iter().filter_map(scores).collect(),
        questionnaire: None,
        disposition: word(NEXT, record.disposition),
        own_code: record.own_code,
        own_label: record.own_label,
        detailed_exam_on: record.detailed_exam_on,
        withdrawn: record.withdrawn,
    }
}

fn entry(raw: &RawEntry) -> wire::ItemEntry {
    wire::ItemEntry {
        code: raw.code.clone(),
        value: raw.value.clone(),
        unit: raw.unit.clone(),
        method: raw.method.clone(),
        finding: number(FOUND, raw.finding),
        note: raw.note.clone(),
    }
}

fn scores(raw: &RawScores) -> wire::InstrumentScores {
    wire::InstrumentScores {
        instrument: number(SCALES, Some(raw.instrument)),
        items: raw.items.iter().map(|score| score.map_or(NO_ANSWER, i32::from)).collect(),
        total: raw.total.map(u32::from),
    }
}

/// An item that was left open, in the contract.
const NO_ANSWER: i32 = -1;

/// Words in the order of their numbers in the contract, which begin with 1; 0 is none.
/// A kind and a judgement of the contract as ours.
pub(crate) fn words(kind: i32, disposition: i32) -> (Option<Kind>, Option<Next>) {
    (word(KINDS, kind), word(NEXT, disposition))
}

/// A kind as the contract numbers it.
pub(crate) fn kind(kind: Kind) -> i32 {
    number(KINDS, Some(kind))
}

fn number<T: PartialEq>(words: &[T], word: Option<T>) -> i32 {
    let position = word.and_then(|word| words.iter().position(|known| *known == word));
    position.and_then(|position| i32::try_from(position + 1).ok()).unwrap_or_default()
}

fn word<T: Copy>(words: &[T], number: i32) -> Option<T> {
    words.get(usize::try_from(number).ok()?.checked_sub(1)?).copied()
}

const KINDS: &[Kind] = &Kind::ALL;
const BASES: &[Basis] = &[Basis::LastPeriod, Basis::Ultrasound, Basis::Conception, Basis::Unknown];
const FOUND: &[Found] = &Found::ALL;
const NEXT: &[Next] = &[
    Next::Nothing,
    Next::UnderTreatment,
    Next::Guidance,
    Next::Observation,
    Next::DetailedExamination,
    Next::Treatment,
];
const SCALES: &[Scale] = &Scale::ALL;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_have_the_numbers_of_the_contract() {
        assert_eq!(number(KINDS, Some(Kind::Pregnancy)), wire::CheckupKind::Pregnancy as i32);
        assert_eq!(number(KINDS, Some(Kind::Month18)), wire::CheckupKind::Month18 as i32);
        assert_eq!(number(KINDS, Some(Kind::Vision)), wire::CheckupKind::Vision as i32);
        assert_eq!(number(BASES, Some(Basis::Conception)), wire::GestationBasis::Conception as i32);
        assert_eq!(number(FOUND, Some(Found::NotExamined)), wire::Finding::NotExamined as i32);
        assert_eq!(number(NEXT, Some(Next::Treatment)), wire::Disposition::Treatment as i32);
        assert_eq!(number(SCALES, Some(Scale::Epds)), wire::Instrument::Epds as i32);
        assert_eq!((number(NEXT, None), word(NEXT, 0), word(NEXT, 7)), (0, None, None));
    }
}
