//! Every published number, right or wrong, and what `explain` says about it.

use jiff::civil::date;
use pmh_domain::codes::{
    CheckRule, CodeError, CodeKind, CorporateNumber, FeeTable, InstitutionCode, InsurerNumber,
    MunicipalityCode, PayerNumber, explain,
};
use proptest::prelude::*;

const PAYERS: &str = include_str!("../vectors/payer_number_examples.csv");
const INSTITUTIONS: &str = include_str!("../vectors/institution_code_examples.csv");
const MUNICIPALITIES: &str = include_str!("../../data/municipalities.csv");
const ABOLISHED: &str = include_str!("../../data/municipalities_abolished.csv");

fn rows(data: &str) -> Vec<csv::StringRecord> {
    csv::Reader::from_reader(data.as_bytes()).into_records().map(Result::unwrap).collect()
}

#[test]
fn every_published_payer_number_has_its_parts() {
    let published: Vec<_> = rows(PAYERS).into_iter().filter(|row| &row[1] == "public").collect();
    assert_eq!(published.len(), 19);
    for row in published {
        let payer = PayerNumber::parse(&row[0]).unwrap();
        assert_eq!(payer.to_string(), &row[0]);
        assert_eq!(payer.law_no().to_string(), &row[2]);
        assert_eq!(payer.prefecture().to_string(), &row[3]);
        assert_eq!(payer.issuer3(), &row[4]);
        assert_eq!(payer.check_digit().to_string(), &row[5]);
    }
}

#[test]
fn every_published_insurer_number_is_one_and_no_payer() {
    let published: Vec<_> = rows(PAYERS).into_iter().filter(|row| row[1].starts_with("insurance")).collect();
    assert_eq!(published.len(), 9);
    for row in published {
        let insurer = InsurerNumber::parse(&row[0]).unwrap();
        assert_eq!(insurer.as_str(), &row[0]);
        assert_eq!(insurer.law_no().unwrap_or_default(), &row[2]);
        assert_eq!(insurer.insurer3(), &row[4]);
        assert_eq!(PayerNumber::parse(insurer.padded()), Err(CodeError::InsurerLawNumber));
    }
}

#[test]
fn samples_with_a_wrong_check_digit_are_refused() {
    let wrong: Vec<_> = rows(PAYERS).into_iter().filter(|row| &row[6] == "no").collect();
    assert_eq!(wrong.len(), 4);
    for row in wrong {
        assert!(matches!(PayerNumber::parse(&row[0]), Err(CodeError::CheckDigit { .. })), "{row:?}");
        assert!(matches!(InsurerNumber::parse(&row[0]), Err(CodeError::CheckDigit { .. })), "{row:?}");
    }
    for sample in ["1311234567", "1319876543"] {
        assert!(InstitutionCode::parse(sample).is_err(), "{sample}");
    }
}

#[test]
fn every_published_institution_code_passes_by_its_own_rule() {
    let published = rows(INSTITUTIONS);
    assert_eq!(published.len(), 202);
    for row in published {
        let code = InstitutionCode::parse(&row[0]).unwrap();
        assert_eq!(code.prefecture().to_string(), &row[2]);
        assert_eq!(code.fee_table().name(), &row[1]);
        assert_eq!(code.code7(), &row[4]);
        match code.check_rule() {
            CheckRule::SevenDigits => assert_eq!(&row[6], "7"),
            _ => assert_eq!(&row[5], "10"),
        }
    }
}

/// The written rule alone would refuse all of Tokyo.
#[test]
fn both_check_rules_are_needed() {
    let all: Vec<InstitutionCode> =
        rows(INSTITUTIONS).iter().map(|row| InstitutionCode::parse(&row[0]).unwrap()).collect();
    let count = |rule| all.iter().filter(|code| code.check_rule() == rule).count();
    assert!(count(CheckRule::SevenDigits) > 30 && count(CheckRule::TenDigits) > 150);
    for code in all {
        // Only the written rule sees the prefecture, so only it notices a change there.
        let moved = if code.check_rule() == CheckRule::SevenDigits { "11" } else { "47" };
        let moved = InstitutionCode::parse(&format!("{moved}{}", &code.as_str()[2..]));
        assert!(moved.is_ok() || code.check_rule() != CheckRule::SevenDigits);
    }
}

#[test]
fn a_medical_code_computed_as_dental_is_accepted_and_said() {
    let dental = rows(INSTITUTIONS)
        .into_iter()
        .find(|row| &row[1] == "dental" && &row[5] == "10" && &row[2] != "13")
        .unwrap();
    let as_medical = format!("{}1{}", &dental[0][..2], &dental[0][3..]);
    let code = InstitutionCode::parse(&as_medical).unwrap();
    assert_eq!((code.fee_table(), code.check_rule()), (FeeTable::Medical, CheckRule::TenDigitsAsDental));
    let report = explain(CodeKind::Institution, &as_medical, date(2026, 4, 1));
    assert_eq!(report.notes[0].code, "CHECKED_AS_DENTAL");
    let as_pharmacy = format!("{}4{}", &dental[0][..2], &dental[0][3..]);
    assert!(InstitutionCode::parse(&as_pharmacy).is_err());
}

#[test]
fn every_municipality_code_and_computed_corporate_number_fits() {
    let mut computed = 0;
    for row in rows(MUNICIPALITIES) {
        let code = MunicipalityCode::parse(&row[0]).unwrap();
        assert_eq!((code.name(), code.kind().name()), (&row[5], &row[2]));
        assert_eq!(code.prefecture().to_string(), &row[3]);
        let corporate = code.corporate_number().map(|number| CorporateNumber::parse(number).unwrap());
        assert_eq!(corporate.map(|number| number.to_string()).unwrap_or_default(), &row[8]);
        computed += corporate.map_or(0, |number| {
            assert_eq!((number.municipality(), number.body()), (Some(code), &*format!("000020{code}")));
            1
        });
    }
    assert_eq!(computed, 1_788);
}

#[test]
fn the_register_is_dated() {
    for row in rows(ABOLISHED) {
        let code = MunicipalityCode::parse(&row[0]).unwrap();
        assert_eq!(code.current_on(date(2023, 12, 31)), Ok(()));
        assert_eq!(code.current_on(date(2024, 1, 1)), Err(CodeError::AbolishedOn(date(2024, 1, 1))));
    }
    let chuo = MunicipalityCode::parse("221384").unwrap();
    assert_eq!(chuo.current_on(date(2023, 12, 31)), Err(CodeError::NotBefore(date(2024, 1, 1))));
    assert_eq!(chuo.current_on(date(2024, 1, 1)), Ok(()));
    assert_eq!(MunicipalityCode::parse("130010"), Err(CodeError::Unknown));
}

#[test]
fn corporate_numbers_published_and_wrong() {
    for right in ["8000020130001", "1000020131237", "6000020132098", "7000020141305"] {
        assert!(CorporateNumber::parse(right).is_ok(), "{right}");
    }
    assert_eq!(CorporateNumber::parse("1000020130001"), Err(CodeError::CheckDigit { expected: 8 }));
}

#[test]
fn explain_names_parts_problems_and_notes() {
    let today = date(2026, 4, 1);
    let part = |kind, text, name: &str| {
        let report = explain(kind, text, today);
        assert!(report.valid, "{report:?}");
        report.parts.into_iter().find(|part| part.name == name).map(|part| part.value).unwrap()
    };
    assert_eq!(part(CodeKind::Payer, "88138243", "group"), "88-13");
    assert_eq!(part(CodeKind::Payer, "54136015", "scheme"), "難病の特定医療");
    assert_eq!(part(CodeKind::Insurer, "  138057", "padded"), "00138057");
    assert_eq!(part(CodeKind::Municipality, "132012", "name"), "八王子市");
    assert_eq!(part(CodeKind::Corporate, "8000020130001", "municipality_name"), "東京都");
    assert_eq!(part(CodeKind::Recipient, "0000002", "characters"), "7");

    let problem = |kind, text| {
        let report = explain(kind, text, today);
        assert!(!report.valid && report.parts.len() < 7);
        report.problems[0].code
    };
    assert_eq!(problem(CodeKind::Payer, "06130488"), "UNKNOWN_CODE");
    assert_eq!(problem(CodeKind::Payer, "8813824"), "WIDTH");
    assert_eq!(problem(CodeKind::Payer, "８８１３８２４３"), "CHARACTERS");
    assert_eq!(problem(CodeKind::Payer, "88138244"), "CHECK_DIGIT");
    assert_eq!(problem(CodeKind::Municipality, "221317"), "CODE_NOT_CURRENT");
    assert_eq!(problem(CodeKind::Recipient, "123456789018"), "INDIVIDUAL_NUMBER_FORBIDDEN");
}

/// What was typed may be a person's number; a report may be pasted anywhere.
#[test]
fn explain_never_repeats_a_refused_value() {
    for kind in CodeKind::ALL {
        for value in ["123456789018", "99999999", "geheim-4711", "9999999999"] {
            let report = explain(kind, value, date(2026, 4, 1));
            let json = serde_json::to_string(&report).unwrap();
            assert!(report.valid || !json.contains(value), "{json}");
        }
    }
}

proptest! {
    /// The check digit notices every error in one digit.
    #[test]
    fn one_wrong_digit_is_noticed(row in 0..19_usize, at in 0..8_usize, add in 1..10_u8) {
        let mut digits = rows(PAYERS)[row][0].as_bytes().to_vec();
        digits[at] = b'0' + (digits[at] - b'0' + add) % 10;
        prop_assert!(PayerNumber::parse(std::str::from_utf8(&digits).unwrap()).is_err());
    }

    #[test]
    fn any_text_is_explained_without_panic(text in "\\PC{0,40}") {
        for kind in CodeKind::ALL {
            let report = explain(kind, &text, date(2026, 4, 1));
            prop_assert_eq!(report.valid, report.problems.is_empty());
        }
    }

    #[test]
    fn what_parses_prints_the_same(text in "[0-9]{6,13}") {
        if let Ok(code) = PayerNumber::parse(&text) { prop_assert_eq!(code.to_string(), text.clone()); }
        if let Ok(code) = InstitutionCode::parse(&text) { prop_assert_eq!(code.to_string(), text.clone()); }
        if let Ok(code) = MunicipalityCode::parse(&text) { prop_assert_eq!(code.to_string(), text.clone()); }
        if let Ok(code) = CorporateNumber::parse(&text) { prop_assert_eq!(code.to_string(), text.clone()); }
        if let Ok(code) = InsurerNumber::parse(&text) {
            prop_assert_eq!(InsurerNumber::parse(code.padded()), Ok(code));
        }
    }
}
