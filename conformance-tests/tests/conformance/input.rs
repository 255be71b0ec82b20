//! What bad input gets: a stable reason and the field's path, nothing echoed, nothing lost.

use pmh_client::{Call as _, Error};
use pmh_conformance::clock::day;
use pmh_conformance::counter::{organization, today};
use pmh_conformance::{Newcomer, names};
use pmh_proto::common::{DateRange, Reason, RowOutcome, RowResult};
use pmh_proto::eligibility::verify_eligibility_request::Service;
use pmh_proto::eligibility::{
    AdvanceWatermarkRequest, Area, Chart, CopaymentRule, CopaymentUnit, DesignatedInstitution,
    EntitlementRow, ListEntitlementsRequest, VerifyEligibilityRequest,
};
use pmh_proto::resident::{MoveResidentRequest, ResidentRow};
use prost::Message as _;

use crate::raw;
use crate::support::{fields, reason, target, town};

/// The test My Number of the check digit's own definition (総務省令): invented, belongs to nobody.
fn individual_number() -> String {
    // Eleven digits, then the check digit by 地方公共団体情報システム機構's rule, so that no literal stands here.
    let digits = [1_u32, 2, 3, 4, 5, 6, 7, 8, 9, 0, 1];
    let weights = [6, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2];
    let sum: u32 = digits.iter().zip(weights).map(|(digit, weight)| digit * weight).sum();
    let check = match sum % 11 {
        0 | 1 => 0,
        rest => 11 - rest,
    };
    digits.iter().chain([&check]).map(ToString::to_string).collect()
}

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
async fn input_an_unknown_sex() {
    let (target, town) = town().await;
    let person = Newcomer::new(&target).unwrap();
    let row = ResidentRow { sex: 9, ..person.row() };
    let results = town.put_residents(vec![row]).await.unwrap();
    assert_eq!(problem(&results[0], "sex"), Some((Reason::Value, false)), "{results:?}");
    let chart = Chart { sex: 9, ..Default::default() };
    question_gets(|request| request.chart = Some(chart), "chart.sex", Reason::Value).await;
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
async fn p4_a_call_with_an_individual_number_is_refused() {
    let (_, town) = town().await;
    let gateway = town.issuer().gateway();
    let list = ListEntitlementsRequest { resident_key: individual_number() };
    assert_eq!(reason(gateway.call(&list, None).await), Reason::IndividualNumberForbidden);
    let moved = MoveResidentRequest {
        idempotency_key: names::uuid(),
        resident_key: individual_number(),
        moved_out_on: String::new(),
    };
    let error = gateway.call(&moved, None).await.unwrap_err();
    assert!(!crate::support::spoken(&error).contains(&individual_number()));
    assert_eq!(reason::<()>(Err(error)), Reason::IndividualNumberForbidden);
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

/// VerifyEligibility itself.
async fn question_gets(change: impl FnOnce(&mut VerifyEligibilityRequest), path: &str, expected: Reason) {
    let target = target().await;
    let counter = target.counter(organization::TOKYO_CLINIC).await.unwrap();
    let presence = counter.present(&mut Newcomer::new(&target).unwrap().card, &["88-13"]).await.unwrap();
    let mut request = today();
    change(&mut request);
    let named = fields(counter.terminal().verify(&presence, &request).await);
    assert!(named.contains(&(path.to_owned(), expected)), "{path} {expected:?} is missing in {named:?}");
}

#[tokio::test]
async fn input_a_question_without_a_day() {
    let target = target().await;
    let counter = target.counter(organization::TOKYO_CLINIC).await.unwrap();
    let presence = counter.present(&mut Newcomer::new(&target).unwrap().card, &[]).await.unwrap();
    let request = VerifyEligibilityRequest { service: None, ..today() };
    let named = fields(counter.terminal().verify(&presence, &request).await);
    assert!(named.iter().any(|(_, reason)| *reason == Reason::Required), "{named:?}");
}

#[tokio::test]
async fn input_a_question_for_a_day_that_is_none() {
    question_gets(
        |request| request.service = Some(Service::Date("2026-02-29".to_owned())),
        "date",
        Reason::Date,
    )
    .await;
}

#[tokio::test]
async fn input_a_question_for_a_reversed_period() {
    let period = DateRange { from: day(0).to_string(), to: day(-1).to_string() };
    question_gets(
        |request| request.service = Some(Service::Period(period)),
        "period.to",
        Reason::IntervalReversed,
    )
    .await;
}

#[tokio::test]
async fn input_a_question_for_more_than_a_year() {
    let period = DateRange { from: day(0).to_string(), to: day(400).to_string() };
    question_gets(
        |request| request.service = Some(Service::Period(period)),
        "period",
        Reason::DateOutOfRange,
    )
    .await;
}

#[tokio::test]
async fn input_a_question_with_a_broken_chart() {
    let chart = Chart { birth_date: "yesterday".to_owned(), ..Default::default() };
    question_gets(|request| request.chart = Some(chart), "chart.birth_date", Reason::Date).await;
}

#[tokio::test]
async fn input_a_question_with_too_many_groups() {
    question_gets(|request| request.groups = vec!["52".to_owned(); 65], "groups", Reason::Width).await;
}

#[tokio::test]
async fn input_a_question_with_an_unknown_care_type() {
    question_gets(|request| request.care_type = 77, "care_type", Reason::Value).await;
}

#[tokio::test]
async fn input_a_question_without_purpose() {
    let target = target().await;
    let counter = target.counter(organization::TOKYO_CLINIC).await.unwrap();
    let presence = counter.present(&mut Newcomer::new(&target).unwrap().card, &[]).await.unwrap();
    let request = VerifyEligibilityRequest { purpose: 0, ..today() };
    let outcome = counter.terminal().verify(&presence, &request).await;
    assert!(matches!(reason(outcome), Reason::InvalidFields | Reason::PurposeNotAllowed));
}

#[tokio::test]
async fn input_fields_that_the_contract_does_not_know() {
    let target = target().await;
    let counter = target.counter(organization::TOKYO_CLINIC).await.unwrap();
    let presence = counter.present(&mut Newcomer::new(&target).unwrap().card, &[]).await.unwrap();
    let message = raw::with_unknown_field(&today());
    let path = VerifyEligibilityRequest::PATH;
    let refused = raw::send(counter.gateway(), path, message, Some(presence.bearer())).await.unwrap_err();
    assert_eq!(refused.reason, Reason::UnknownFields);
}

#[tokio::test]
async fn input_an_oversized_message() {
    let target = target().await;
    let gateway = target.gateway(organization::TOKYO_CLINIC).await.unwrap();
    let path = VerifyEligibilityRequest::PATH;
    let refused = raw::send(&gateway, path, raw::oversized(), None).await.unwrap_err();
    assert_eq!(refused.reason, Reason::MessageSize);
}

#[tokio::test]
async fn input_a_truncated_message() {
    let target = target().await;
    let gateway = target.gateway(organization::TOKYO_CLINIC).await.unwrap();
    let mut message = today().encode_to_vec();
    message.truncate(message.len() - 1);
    // Cut inside a length-delimited field, not at the end of the last varint.
    message = message[..5].to_vec();
    let refused = raw::send(&gateway, VerifyEligibilityRequest::PATH, message, None).await.unwrap_err();
    assert_eq!(refused.reason, Reason::InvalidFields);
}

#[tokio::test]
async fn input_text_that_is_not_utf_8() {
    let target = target().await;
    let gateway = target.gateway(organization::TOKYO_CLINIC).await.unwrap();
    // Field 1 (date), two bytes, the first of a three-byte character and nothing else.
    let refused = raw::send(&gateway, VerifyEligibilityRequest::PATH, vec![0x0a, 2, 0xe3, 0x81], None)
        .await
        .unwrap_err();
    assert_eq!(refused.reason, Reason::InvalidFields);
}

#[tokio::test]
async fn input_an_unknown_method() {
    let target = target().await;
    let gateway = target.gateway(organization::TOKYO_CLINIC).await.unwrap();
    for path in ["/pmh.eligibility.v1.EligibilityService/Nothing", "/nobody.Service/Call", "/"] {
        let refused = raw::send(&gateway, path, Vec::new(), None).await.unwrap_err();
        assert_eq!(refused.reason, Reason::Unimplemented, "{path}");
    }
}

#[tokio::test]
async fn input_a_watermark_in_the_future_or_of_a_foreign_scheme() {
    let (_, town) = town().await;
    let advance = async |law_no: &str, seconds: i64| -> Result<(), Error> {
        let request = AdvanceWatermarkRequest {
            idempotency_key: names::uuid(),
            law_no: law_no.to_owned(),
            as_of: Some(prost_types::Timestamp {
                seconds: pmh_conformance::clock::now() + seconds,
                nanos: 0,
            }),
        };
        town.issuer().gateway().call(&request, None).await.map(drop)
    };
    assert_eq!(fields(advance("88", 3600).await), [("as_of".to_owned(), Reason::DateOutOfRange)]);
    assert_eq!(reason(advance("52", -60).await), Reason::IssuerMismatch);
}

#[tokio::test]
async fn input_a_key_that_is_no_uuid() {
    let (_, town) = town().await;
    for key in ["", "1", "not-a-uuid"] {
        let request = MoveResidentRequest {
            idempotency_key: key.to_owned(),
            resident_key: "c-x".to_owned(),
            moved_out_on: String::new(),
        };
        let named = fields(town.issuer().gateway().call(&request, None).await);
        assert!(named.iter().any(|(path, _)| path == "idempotency_key"), "{named:?}");
    }
}
