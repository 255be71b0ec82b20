//! Rows of a push: each has its own outcome and names all its problems.

use pmh_conformance::Newcomer;
use pmh_conformance::clock::day;
use pmh_proto::common::{Reason, RowOutcome, RowResult};
use pmh_proto::eligibility::{
    Area, CopaymentRule, CopaymentUnit, DesignatedInstitution, EntitlementRow, ListEntitlementsRequest,
};
use pmh_proto::resident::ResidentRow;

use super::individual_number;
use crate::support::town;

#[track_caller]
fn problem(result: &RowResult, field: &str) -> Option<(Reason, bool)> {
    result
        .problems
        .iter()
        .find(|problem| problem.field == field)
        .map(|problem| (problem.reason(), problem.warning))
}

/// One row with one thing wrong: the outcome, and the reason under the field's path.
async fn row_gets(change: impl FnOnce(&mut EntitlementRow), field: &str, expected: Reason) {
    let (target, town) = town().await;
    let person = Newcomer::new(&target).unwrap();
    town.register(&person).await.unwrap();
    let mut row = person.right();
    change(&mut row);
    let results = town.put_entitlements(vec![row]).await.unwrap();
    let [result] = results.as_slice() else { panic!("{results:?}") };
    assert_eq!(result.outcome(), RowOutcome::Rejected, "{result:?}");
    assert_eq!(problem(result, field), Some((expected, false)), "{result:?}");
    let kept = kept(&town, &person.resident_key).await;
    assert!(kept.is_empty(), "a rejected row is not kept: {kept:?}");
}

async fn kept(town: &pmh_conformance::Town, resident_key: &str) -> Vec<EntitlementRow> {
    let request = ListEntitlementsRequest { resident_key: resident_key.to_owned() };
    town.issuer().gateway().call(&request, None).await.unwrap().response.entitlements
}

#[tokio::test]
async fn input_a_wrong_check_digit_of_a_payer_number() {
    row_gets(|row| row.payer_number = "88138244".to_owned(), "payer_number", Reason::CheckDigit).await;
}

#[tokio::test]
async fn input_a_payer_number_of_the_wrong_width() {
    row_gets(|row| row.payer_number = "8813824".to_owned(), "payer_number", Reason::Width).await;
}

#[tokio::test]
async fn input_letters_in_a_payer_number() {
    row_gets(|row| row.payer_number = "8813824O".to_owned(), "payer_number", Reason::Characters).await;
}

#[tokio::test]
async fn input_an_institution_code_with_a_wrong_check_digit() {
    let code = DesignatedInstitution { code: "1310310244".to_owned(), name: String::new() };
    row_gets(
        |row| row.designated_institutions = vec![code],
        "designated_institutions[0].code",
        Reason::CheckDigit,
    )
    .await;
}

#[tokio::test]
async fn input_a_reversed_interval() {
    row_gets(
        |row| {
            row.valid_from = day(0).to_string();
            row.valid_to = day(-1).to_string();
        },
        "valid_to",
        Reason::IntervalReversed,
    )
    .await;
}

#[tokio::test]
async fn input_a_date_absurdly_far_away() {
    row_gets(|row| row.valid_from = day(365 * 20).to_string(), "valid_from", Reason::DateOutOfRange).await;
}

#[tokio::test]
async fn input_a_date_that_is_none() {
    row_gets(|row| row.valid_from = "2026-02-30".to_owned(), "valid_from", Reason::Date).await;
}

#[tokio::test]
async fn input_a_date_in_another_form() {
    row_gets(|row| row.valid_from = "R6.4.1".to_owned(), "valid_from", Reason::Date).await;
}

#[tokio::test]
async fn input_a_required_field_that_is_empty() {
    row_gets(|row| row.certification_name = String::new(), "certification_name", Reason::Required).await;
}

#[tokio::test]
async fn input_a_name_that_is_too_long() {
    row_gets(|row| row.certification_name = "証".repeat(101), "certification_name", Reason::Width).await;
}

#[tokio::test]
async fn input_more_than_all_of_the_cost() {
    let rule = CopaymentRule { unit: CopaymentUnit::RatePercent.into(), amount: 101, ..Default::default() };
    row_gets(|row| row.copayments = vec![rule], "copayments[0].amount", Reason::Value).await;
}

#[tokio::test]
async fn input_a_scheme_of_which_the_sender_is_no_issuer() {
    row_gets(
        |row| {
            row.law_no = "52".to_owned();
            row.payer_number = String::new();
        },
        "law_no",
        Reason::IssuerMismatch,
    )
    .await;
}

#[tokio::test]
async fn input_an_unknown_enum_value() {
    row_gets(|row| row.area = 99, "area", Reason::Value).await;
}

/// Read as "all care", a care type of a later contract would widen the rule.
#[tokio::test]
async fn input_an_unknown_care_type_of_a_copayment_rule() {
    let rule = CopaymentRule { unit: CopaymentUnit::RatePercent.into(), care_type: 99, ..Default::default() };
    row_gets(|row| row.copayments = vec![rule], "copayments[0].care_type", Reason::Value).await;
}

#[tokio::test]
async fn input_an_unknown_sex_of_a_resident() {
    let (target, town) = town().await;
    let person = Newcomer::new(&target).unwrap();
    let row = ResidentRow { sex: 9, ..person.row() };
    let results = town.put_residents(vec![row]).await.unwrap();
    assert_eq!(problem(&results[0], "sex"), Some((Reason::Value, false)), "{results:?}");
}

#[tokio::test]
async fn input_a_right_of_a_resident_nobody_registered() {
    let (target, town) = town().await;
    let person = Newcomer::new(&target).unwrap();
    let results = town.put_entitlements(vec![person.right()]).await.unwrap();
    assert_eq!(results[0].outcome(), RowOutcome::Rejected);
    assert_eq!(problem(&results[0], "resident_key"), Some((Reason::ResidentUnknown, false)));
}

#[tokio::test]
async fn input_a_recipient_number_with_a_wrong_check_digit_is_taken_with_a_warning() {
    let (target, town) = town().await;
    let person = Newcomer::new(&target).unwrap();
    town.register(&person).await.unwrap();
    let row = EntitlementRow { recipient_number: "0000017".to_owned(), ..person.right() };
    let results = town.put_entitlements(vec![row]).await.unwrap();
    assert_eq!(results[0].outcome(), RowOutcome::Created);
    assert_eq!(problem(&results[0], "recipient_number"), Some((Reason::CheckDigit, true)));
    assert_eq!(kept(&town, &person.resident_key).await[0].recipient_number, "0000017", "kept as given");
}

/// P4 in rows: held apart, named by field, never kept and never said back.
#[tokio::test]
async fn p4_a_row_with_an_individual_number_is_quarantined() {
    let (target, town) = town().await;
    for field in ["recipient_number", "certification_sub_key", "segment", "certification_name"] {
        let person = Newcomer::new(&target).unwrap();
        town.register(&person).await.unwrap();
        let mut row = person.right();
        let place = match field {
            "recipient_number" => &mut row.recipient_number,
            "certification_sub_key" => &mut row.certification_sub_key,
            "segment" => &mut row.segment,
            _ => &mut row.certification_name,
        };
        *place = individual_number();
        let results = town.put_entitlements(vec![row]).await.unwrap();
        assert_eq!(results[0].outcome(), RowOutcome::Quarantined, "{field}");
        assert_eq!(problem(&results[0], field), Some((Reason::IndividualNumberForbidden, false)), "{field}");
        assert!(kept(&town, &person.resident_key).await.is_empty(), "{field}");
        assert!(!format!("{results:?}").contains(&individual_number()), "{field}");
    }
}

#[tokio::test]
async fn p4_a_resident_key_that_is_an_individual_number_is_quarantined() {
    let (target, town) = town().await;
    let person = Newcomer::new(&target).unwrap();
    let row = ResidentRow { resident_key: individual_number(), ..person.row() };
    let results = town.put_residents(vec![row]).await.unwrap();
    assert_eq!(results[0].outcome(), RowOutcome::Quarantined, "{results:?}");
    assert_eq!(problem(&results[0], "resident_key"), Some((Reason::IndividualNumberForbidden, false)));
}

#[tokio::test]
async fn input_a_future_birth_date() {
    let (target, town) = town().await;
    let person = Newcomer::new(&target).unwrap();
    let row = ResidentRow { birth_date: day(2).to_string(), ..person.row() };
    let results = town.put_residents(vec![row]).await.unwrap();
    assert_eq!(results[0].outcome(), RowOutcome::Rejected);
    assert_eq!(problem(&results[0], "birth_date"), Some((Reason::DateOutOfRange, false)));
}

#[tokio::test]
async fn input_a_removal_without_its_day() {
    let (target, town) = town().await;
    let person = Newcomer::new(&target).unwrap();
    let row = ResidentRow { removed: true, ..person.row() };
    let results = town.put_residents(vec![row]).await.unwrap();
    assert_eq!(problem(&results[0], "removed_on"), Some((Reason::Required, false)), "{results:?}");
}

#[tokio::test]
async fn input_the_same_row_id_twice_with_other_content() {
    let (target, town) = town().await;
    let person = Newcomer::new(&target).unwrap();
    town.register(&person).await.unwrap();
    let other = EntitlementRow { certification_sub_key: "B".to_owned(), ..person.right() };
    let results = town.put_entitlements(vec![person.right(), other, person.right()]).await.unwrap();
    let outcomes: Vec<_> = results.iter().map(RowResult::outcome).collect();
    assert_eq!(outcomes[..2], [RowOutcome::Created, RowOutcome::Rejected]);
    assert_eq!(problem(&results[1], "row_id"), Some((Reason::DuplicateRow, false)));
    assert_eq!(kept(&town, &person.resident_key).await.len(), 1);
}

/// All that is wrong is said at once, so that a file is corrected once.
#[tokio::test]
async fn input_every_problem_of_a_row_is_said_at_once() {
    let (target, town) = town().await;
    let person = Newcomer::new(&target).unwrap();
    town.register(&person).await.unwrap();
    let row = EntitlementRow {
        payer_number: "88138244".to_owned(),
        valid_from: "2026-13-01".to_owned(),
        certification_name: String::new(),
        area: Area::Prefecture.into(),
        ..person.right()
    };
    let results = town.put_entitlements(vec![row]).await.unwrap();
    for field in ["payer_number", "valid_from", "certification_name"] {
        assert!(problem(&results[0], field).is_some(), "{field}: {results:?}");
    }
}

#[tokio::test]
async fn input_one_bad_row_does_not_fail_its_neighbours() {
    let (target, town) = town().await;
    let person = Newcomer::new(&target).unwrap();
    town.register(&person).await.unwrap();
    let rows: Vec<_> = (0..9)
        .map(|number| EntitlementRow {
            row_id: format!("e-{number}"),
            certification_sub_key: format!("S{number}"),
            valid_from: if number % 3 == 1 { String::new() } else { day(-5).to_string() },
            ..person.right()
        })
        .collect();
    let results = town.put_entitlements(rows).await.unwrap();
    let created = results.iter().filter(|result| result.outcome() == RowOutcome::Created).count();
    assert_eq!((results.len(), created), (9, 6));
    assert_eq!(kept(&town, &person.resident_key).await.len(), 6);
}
