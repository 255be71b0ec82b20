//! Invented rows of an invented town; nobody here exists.

use jiff::civil::{Date, date};
use pmh_domain::checkup::gestation::GestationBasis;
use pmh_domain::checkup::item::RawEntry;
use pmh_domain::checkup::judgement::{Disposition, Finding};
use pmh_domain::checkup::kind::CheckupKind;
use pmh_domain::checkup::problem::{Checked, Refusal};
use pmh_domain::checkup::record::{Checkup, Context, RawCheckup};
use pmh_domain::checkup::scores::{Instrument, RawScores};
use pmh_domain::resident::Sex;

pub(crate) const TODAY: Date = date(2026, 11, 22);
/// Eighteen months old today.
pub(crate) const BORN: Date = date(2025, 5, 22);

pub(crate) fn entry(code: &str, value: &str, unit: &str) -> RawEntry {
    RawEntry { code: code.into(), value: value.into(), unit: unit.into(), ..RawEntry::default() }
}

pub(crate) fn found(code: &str, finding: Finding) -> RawEntry {
    RawEntry { code: code.into(), finding: Some(finding), ..RawEntry::default() }
}

pub(crate) fn by(method: &str, entry: RawEntry) -> RawEntry {
    RawEntry { method: method.into(), ..entry }
}

fn raw(kind: CheckupKind, key: &str) -> RawCheckup {
    RawCheckup {
        record_id: "r-1".into(),
        source_version: "1".into(),
        resident_key: key.into(),
        kind: Some(kind),
        date: "2026-11-22".into(),
        disposition: Some(Disposition::Nothing),
        ..RawCheckup::default()
    }
}

/// A complete visit of week 28.
pub(crate) fn visit() -> RawCheckup {
    RawCheckup {
        pregnancy: "p-1".into(),
        gestation: "28w3d".into(),
        gestation_basis: Some(GestationBasis::Ultrasound),
        items: vec![
            entry("mother_weight", "58.4", "kg"),
            by("oscillometric", entry("systolic", "118", "mmHg")),
            by("oscillometric", entry("diastolic", "72", "mmHg")),
            entry("fundal_height", "26", "cm"),
            entry("oedema", "-", ""),
            by("dipstick", entry("urine_protein", "±", "")),
            by("dipstick", entry("urine_sugar", "-", "")),
        ],
        ..raw(CheckupKind::Pregnancy, "mother-1")
    }
}

pub(crate) fn epds(items: [u8; 10], total: Option<u8>) -> RawScores {
    RawScores { instrument: Instrument::Epds, items: items.map(Some).to_vec(), total }
}

pub(crate) fn postpartum() -> RawCheckup {
    RawCheckup {
        pregnancy: "p-1".into(),
        items: vec![entry("mother_weight", "55", "kg")],
        scores: vec![epds([1, 0, 1, 1, 0, 1, 0, 1, 0, 0], Some(5))],
        ..raw(CheckupKind::Postpartum, "mother-1")
    }
}

pub(crate) fn delivery(children: &str) -> RawCheckup {
    RawCheckup {
        pregnancy: "p-1".into(),
        items: vec![
            entry("delivered_at", "2026-11-20T03:05", ""),
            entry("gestation_at_birth", "37w1d", ""),
            entry("delivery_mode", "caesarean_planned", ""),
            entry("blood_loss", "900", "mL"),
            entry("children_born", children, ""),
        ],
        ..raw(CheckupKind::Delivery, "mother-1")
    }
}

pub(crate) fn newborn(key: &str, order: u8) -> RawCheckup {
    RawCheckup {
        pregnancy: "p-1".into(),
        birth_order: Some(order),
        items: vec![
            entry("birth_sex", "female", ""),
            entry("birth_weight", "2410", "g"),
            entry("birth_length", "46.5", "cm"),
        ],
        ..raw(CheckupKind::Newborn, key)
    }
}

/// A girl of eighteen months, with an answer about home among the rest.
pub(crate) fn eighteen_months() -> RawCheckup {
    RawCheckup {
        mother_key: "mother-1".into(),
        items: vec![
            entry("weight", "9.0", "kg"),
            by("standing", entry("height", "78.2", "cm")),
            found("language", Finding::Present),
            entry("harsh_discipline", "yes", ""),
        ],
        ..raw(CheckupKind::Month18, "child-1")
    }
}

pub(crate) fn girl() -> Context {
    Context { today: TODAY, birth: Some(BORN), sex: Sex::Female }
}

pub(crate) fn unlinked() -> Context {
    Context { today: TODAY, birth: None, sex: Sex::Unknown }
}

pub(crate) fn check(raw: &RawCheckup) -> Result<Checked<Checkup>, Refusal> {
    Checkup::validate(raw, &unlinked())
}

pub(crate) fn kept(raw: &RawCheckup) -> Checkup {
    check(raw).unwrap().value
}

/// Paths and reasons.
pub(crate) fn refused(result: Result<Checked<Checkup>, Refusal>) -> Vec<(String, &'static str)> {
    let refusal = result.unwrap_err();
    refusal.problems().iter().map(|problem| (problem.field.clone(), problem.reason.name())).collect()
}

pub(crate) fn warned(result: Result<Checked<Checkup>, Refusal>) -> Vec<(String, &'static str)> {
    let checked = result.unwrap();
    checked.warnings.iter().map(|warning| (warning.field.clone(), warning.reason.name())).collect()
}
