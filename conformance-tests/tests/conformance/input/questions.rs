//! VerifyEligibility: a question that cannot be understood is not answered by guessing.

use pmh_conformance::Newcomer;
use pmh_conformance::clock::day;
use pmh_conformance::counter::{organization, today};
use pmh_proto::common::{DateRange, Reason};
use pmh_proto::eligibility::verify_eligibility_request::Service;
use pmh_proto::eligibility::{Chart, VerifyEligibilityRequest};

use crate::support::{fields, reason, target};

/// A question with one thing wrong: the reason under the field's path.
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
async fn input_a_question_with_an_unknown_sex_in_the_chart() {
    let chart = Chart { sex: 9, ..Default::default() };
    question_gets(|request| request.chart = Some(chart), "chart.sex", Reason::Value).await;
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
