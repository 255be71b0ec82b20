//! Rows as issuers send them: every violation at once, by path.

use pmh_domain::codes::SchemeGroup;
use pmh_domain::directory::{Competence, IssuerDirectory, RawCompetence};
use pmh_domain::entitlement::{
    AdditionalCondition, CareType, CertificateDetail, CopaymentUnit, Entitlement, RawCopaymentRule,
    RawDesignatedInstitution, RawEntitlement,
};
use pmh_domain::problem::{FieldProblem, FieldReason, RowRefusal};
use pmh_domain::resident::{RawResident, ResidentLink, Sex};
use proptest::prelude::*;

use crate::world::{self, HACHIOJI, KAWASAKI, TODAY, child_scheme, directory, issuer};

type Change = fn(&mut RawEntitlement);

fn problems(change: impl FnOnce(&mut RawEntitlement)) -> Vec<(String, &'static str)> {
    let mut raw = child_scheme();
    change(&mut raw);
    match Entitlement::validate(&raw, issuer(HACHIOJI), &directory(), TODAY) {
        Ok(_) => Vec::new(),
        Err(refusal) => named(refusal.problems()),
    }
}

fn warnings(change: impl FnOnce(&mut RawEntitlement)) -> Vec<(String, &'static str)> {
    let mut raw = child_scheme();
    change(&mut raw);
    named(&Entitlement::validate(&raw, issuer(HACHIOJI), &directory(), TODAY).unwrap().warnings)
}

fn named(problems: &[FieldProblem]) -> Vec<(String, &'static str)> {
    problems.iter().map(|problem| (problem.field.clone(), problem.reason.name())).collect()
}

#[test]
fn a_good_row_is_taken_without_a_word_and_survives_storage() {
    let mut raw = child_scheme();
    raw.copayments = vec![RawCopaymentRule {
        care: Some(CareType::Outpatient),
        unit: Some(CopaymentUnit::YenPerVisit),
        amount: 200,
        per_institution: true,
    }];
    // Readings and rare characters pass byte for byte.
    raw.certification_name = "葛\u{E0100}飾 𠮷野 ﾊﾁｵｳｼﾞ".to_owned();
    let accepted = Entitlement::validate(&raw, issuer(HACHIOJI), &directory(), TODAY).unwrap();
    assert_eq!(accepted.warnings, vec![]);
    assert_eq!(accepted.value.certification_name, raw.certification_name);
    let stored = serde_json::to_string(&accepted.value).unwrap();
    assert_eq!(serde_json::from_str::<Entitlement>(&stored).unwrap(), accepted.value);
}

#[test]
fn each_violation_has_its_path_and_reason() {
    let cases: &[(Change, &str, &str)] = &[
        (|raw| raw.resident_key.clear(), "resident_key", "REQUIRED"),
        (|raw| raw.resident_key = "k".repeat(101), "resident_key", "WIDTH"),
        (|raw| raw.resident_key = "a\u{0}b".into(), "resident_key", "CHARACTERS"),
        (|raw| raw.certificate_type_id.clear(), "certificate_type_id", "REQUIRED"),
        (|raw| raw.certificate_type_id = "A-1".into(), "certificate_type_id", "CHARACTERS"),
        (|raw| raw.certificate_type_id = "A".repeat(51), "certificate_type_id", "WIDTH"),
        (|raw| raw.certification_name.clear(), "certification_name", "REQUIRED"),
        (|raw| raw.certification_name = "名".repeat(101), "certification_name", "WIDTH"),
        (|raw| raw.payer_number = "8138243".into(), "payer_number", "WIDTH"),
        (|raw| raw.payer_number = "８８１３８２４３".into(), "payer_number", "CHARACTERS"),
        (|raw| raw.payer_number = "88138244".into(), "payer_number", "CHECK_DIGIT"),
        (|raw| raw.payer_number = "06130488".into(), "payer_number", "UNKNOWN_CODE"),
        (|raw| raw.law_no = "89".into(), "law_no", "VALUE"),
        (|raw| raw.law_no = "06".into(), "law_no", "UNKNOWN_CODE"),
        (|raw| raw.payer_number = world::payer("8814101"), "payer_number", "ISSUER_MISMATCH"),
        (|raw| raw.payer_number = world::payer("5413601"), "law_no", "ISSUER_MISMATCH"),
        (|raw| raw.payer_number.clear(), "law_no", "REQUIRED"),
        (|raw| raw.recipient_number = "9".repeat(31), "recipient_number", "WIDTH"),
        (|raw| raw.valid_from.clear(), "valid_from", "REQUIRED"),
        (|raw| raw.valid_from = "2026/04/01".into(), "valid_from", "DATE"),
        (|raw| raw.valid_from = "2026-02-29".into(), "valid_from", "DATE"),
        (|raw| raw.valid_from = "2026-04-01T00:00".into(), "valid_from", "DATE"),
        (|raw| raw.valid_from = "1899-12-31".into(), "valid_from", "DATE_OUT_OF_RANGE"),
        (|raw| raw.valid_from = "2031-04-11".into(), "valid_from", "DATE_OUT_OF_RANGE"),
        (|raw| raw.valid_to = "2025-09-30".into(), "valid_to", "INTERVAL_REVERSED"),
        (|raw| raw.valid_to = "2226-09-30".into(), "valid_to", "DATE_OUT_OF_RANGE"),
        (|raw| raw.history_key.clear(), "history_key", "REQUIRED"),
        (|raw| raw.history_key = "１".into(), "history_key", "CHARACTERS"),
        (|raw| raw.copayments.push(RawCopaymentRule::default()), "copayments[0].unit", "REQUIRED"),
        (|raw| raw.copayments = vec![rate(101)], "copayments[0].amount", "VALUE"),
        (|raw| raw.copayments = vec![rate(10), rate(20)], "copayments[1]", "DUPLICATE_ROW"),
        (
            |raw| raw.designated_institutions = vec![named_institution("1311234567")],
            "designated_institutions[0].code",
            "CHECK_DIGIT",
        ),
        (
            |raw| raw.additional_conditions = vec![condition("01", "")],
            "additional_conditions[0].condition",
            "REQUIRED",
        ),
        (|raw| raw.details = vec![detail("", "x")], "details[0].label", "REQUIRED"),
        (|raw| raw.segment = "s".repeat(51), "segment", "WIDTH"),
    ];
    for (change, field, reason) in cases {
        assert_eq!(problems(change), vec![((*field).to_owned(), *reason)]);
    }
}

#[test]
fn all_violations_are_reported_at_once() {
    let found = problems(|raw| {
        raw.payer_number = "88138244".into();
        raw.valid_to = "2020-01-01".into();
        raw.history_key.clear();
        raw.copayments = vec![rate(101)];
    });
    let fields: Vec<&str> = found.iter().map(|(field, _)| field.as_str()).collect();
    assert_eq!(fields, ["history_key", "payer_number", "valid_to", "copayments[0].amount"]);
}

#[test]
fn an_individual_number_in_any_text_quarantines_the_row() {
    const NUMBER: &str = "１２３４－５６７８－９０１８";
    let changes: &[(Change, &str)] = &[
        (|raw| raw.resident_key = NUMBER.into(), "resident_key"),
        (|raw| raw.recipient_number = NUMBER.into(), "recipient_number"),
        (|raw| raw.payer_number = NUMBER.into(), "payer_number"),
        (|raw| raw.history_key = "123456789018".into(), "history_key"),
        (|raw| raw.certification_sub_key = NUMBER.into(), "certification_sub_key"),
        (|raw| raw.details = vec![detail("番号", NUMBER)], "details[0].value"),
        (|raw| raw.additional_conditions = vec![condition(NUMBER, "1")], "additional_conditions[0].item"),
    ];
    for (change, field) in changes {
        let mut raw = child_scheme();
        change(&mut raw);
        let refusal = Entitlement::validate(&raw, issuer(HACHIOJI), &directory(), TODAY).unwrap_err();
        assert!(matches!(refusal, RowRefusal::Quarantined(_)), "{field}");
        assert!(named(refusal.problems()).contains(&((*field).to_owned(), "INDIVIDUAL_NUMBER_FORBIDDEN")));
    }
}

#[test]
fn twelve_digit_recipient_numbers_pass_only_where_declared() {
    let mut raw = child_scheme();
    raw.recipient_number = "123456789018".into();
    let declared = IssuerDirectory::new([Competence {
        twelve_digit_recipients: true,
        ..world::competence("88", HACHIOJI)
    }]);
    assert!(Entitlement::validate(&raw, issuer(HACHIOJI), &declared, TODAY).is_ok());
    raw.resident_key = "123456789018".into();
    assert!(Entitlement::validate(&raw, issuer(HACHIOJI), &declared, TODAY).is_err());
}

#[test]
fn doubtful_values_warn_and_are_kept() {
    assert_eq!(
        warnings(|raw| raw.recipient_number = "1234567".into()),
        vec![("recipient_number".to_owned(), "CHECK_DIGIT")]
    );
    assert_eq!(warnings(|raw| raw.recipient_number = "子-12".into()), vec![]);
    assert_eq!(
        warnings(|raw| raw.valid_to = "9999-12-31".into()),
        vec![("valid_to".to_owned(), "DATE_OUT_OF_RANGE")]
    );
    let mut raw = child_scheme();
    raw.valid_to = "9999-12-31".into();
    assert_eq!(world::entitlement(&raw, HACHIOJI).validity.to(), None);
}

#[test]
fn a_payer_number_that_was_not_declared_warns() {
    let mut declared = world::competence("88", HACHIOJI);
    declared.payer_numbers = vec!["88131248".parse().unwrap()];
    let directory = IssuerDirectory::new([declared]);
    let accepted = Entitlement::validate(&child_scheme(), issuer(HACHIOJI), &directory, TODAY).unwrap();
    assert_eq!(named(&accepted.warnings), vec![("payer_number".to_owned(), "UNKNOWN_CODE")]);
}

#[test]
fn a_scheme_without_payer_number_is_named_by_its_law_number() {
    let mut raw = child_scheme();
    raw.payer_number.clear();
    raw.law_no = "88".into();
    assert_eq!(world::entitlement(&raw, HACHIOJI).group, SchemeGroup::parse("88-13").unwrap());
    assert_eq!(world::entitlement(&raw, KAWASAKI).group, SchemeGroup::parse("88-14").unwrap());
}

#[test]
fn residents_are_checked_alike() {
    let good = RawResident {
        resident_key: "A-1".into(),
        birth_date: "2023-02-01".into(),
        sex: Sex::Female,
        removed: false,
        removed_on: String::new(),
    };
    let check = |change: fn(&mut RawResident)| {
        let mut raw = good.clone();
        change(&mut raw);
        match ResidentLink::validate(&raw, issuer(HACHIOJI), TODAY) {
            Ok(accepted) => Ok(accepted.value.last_day.map(|day| day.to_string())),
            Err(refusal) => Err(named(refusal.problems())),
        }
    };
    let refused = |field: &str, reason| Err(vec![(field.to_owned(), reason)]);
    assert_eq!(check(|_| ()), Ok(None));
    assert_eq!(
        check(|raw| {
            raw.removed = true;
            raw.removed_on = "2026-04-01".into();
        }),
        Ok(Some("2026-03-31".to_owned()))
    );
    assert_eq!(check(|raw| raw.birth_date = "2026-04-11".into()), refused("birth_date", "DATE_OUT_OF_RANGE"));
    assert_eq!(check(|raw| raw.birth_date.clear()), refused("birth_date", "REQUIRED"));
    assert_eq!(check(|raw| raw.removed = true), refused("removed_on", "REQUIRED"));
    assert_eq!(check(|raw| raw.removed_on = "2026-04-01".into()), refused("removed_on", "VALUE"));
    assert_eq!(
        check(|raw| {
            raw.removed = true;
            raw.removed_on = "2020-01-01".into();
        }),
        refused("removed_on", "INTERVAL_REVERSED")
    );
    assert_eq!(
        check(|raw| raw.resident_key = "123456789018".into()),
        refused("resident_key", "INDIVIDUAL_NUMBER_FORBIDDEN")
    );
}

#[test]
fn competences_are_checked_alike() {
    let raw = RawCompetence {
        law_no: "88".into(),
        name_ja: String::new(),
        since: "2026-04-01".into(),
        until: "2026-03-31".into(),
        payer_numbers: vec!["88138243".into(), "89131247".into(), "x".into()],
        ..RawCompetence::default()
    };
    let refusal = Competence::validate(&raw, issuer(KAWASAKI)).unwrap_err();
    let found: Vec<(String, &str)> = named(refusal.problems());
    for (field, reason) in [
        ("name.ja", "REQUIRED"),
        ("until", "INTERVAL_REVERSED"),
        ("payer_numbers[0]", "ISSUER_MISMATCH"),
        ("payer_numbers[1]", "VALUE"),
        ("payer_numbers[2]", "WIDTH"),
    ] {
        assert!(found.contains(&(field.to_owned(), reason)), "{field} in {found:?}");
    }
}

#[test]
fn debug_prints_withhold_what_names_a_person() {
    let raw = child_scheme();
    let value = world::entitlement(&raw, HACHIOJI);
    let link = world::link(HACHIOJI);
    let printed = format!("{raw:?} {value:?} {link:?}");
    for secret in ["1234566", world::KEY, "2023-02-01"] {
        assert!(!printed.contains(secret), "{printed}");
    }
}

fn rate(amount: u32) -> RawCopaymentRule {
    RawCopaymentRule { unit: Some(CopaymentUnit::RatePercent), amount, ..RawCopaymentRule::default() }
}

fn named_institution(code: &str) -> RawDesignatedInstitution {
    RawDesignatedInstitution { code: code.into(), name: String::new() }
}

fn condition(item: &str, condition: &str) -> AdditionalCondition {
    AdditionalCondition { item: item.into(), condition: condition.into() }
}

fn detail(label: &str, value: &str) -> CertificateDetail {
    CertificateDetail { label: label.into(), value: value.into() }
}

proptest! {
    #[test]
    fn no_row_panics_and_every_refusal_says_why(texts in prop::collection::vec("\\PC{0,12}|[0-9-]{0,12}", 13)) {
        let mut texts = texts.into_iter();
        let mut next = || texts.next().unwrap_or_default();
        let raw = RawEntitlement {
            resident_key: next(), certificate_type_id: next(), certification_name: next(),
            certification_sub_key: next(), law_no: next(), payer_number: next(), recipient_number: next(),
            valid_from: next(), valid_to: next(), history_key: next(), segment: next(),
            designated_institutions: vec![RawDesignatedInstitution { code: next(), name: next() }],
            ..RawEntitlement::default()
        };
        match Entitlement::validate(&raw, issuer(HACHIOJI), &directory(), TODAY) {
            Ok(_) => {}
            Err(refusal) => {
                prop_assert!(!refusal.problems().is_empty());
                let quarantines = |p: &FieldProblem| p.reason == FieldReason::IndividualNumberForbidden;
                let is_quarantined = matches!(refusal, RowRefusal::Quarantined(_));
                prop_assert_eq!(is_quarantined, refusal.problems().iter().any(quarantines));
            }
        }
    }
}
