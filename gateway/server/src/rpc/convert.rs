//! Between messages of the contract and types of the domain.

use jiff::Timestamp;
use jiff::civil::Date;
use pmh_domain::{
    eligibility::{self, Answer, GroupResult, PriorityBasis, ServedEntitlement},
    entitlement::{
        AdditionalCondition, Area, CareType, CertificateDetail, CopaymentRule, CopaymentUnit,
        DesignatedInstitution, Entitlement, RawCopaymentRule, RawDesignatedInstitution, RawEntitlement,
    },
    resident::{RawResident, Sex},
};
use pmh_proto::{common, eligibility as pb, resident};

use crate::ops::verify::{outcome_number, state_number};

pub(super) fn text(text: eligibility::Text) -> common::Text {
    common::Text { ja: text.ja.into_owned(), en: text.en.into_owned() }
}

pub(super) fn instant(instant: Timestamp) -> prost_types::Timestamp {
    let nanos = instant.subsec_nanosecond();
    // jiff counts fractions before 1970 downwards; protobuf counts them upwards.
    if nanos < 0 {
        prost_types::Timestamp { seconds: instant.as_second() - 1, nanos: nanos + 1_000_000_000 }
    } else {
        prost_types::Timestamp { seconds: instant.as_second(), nanos }
    }
}

pub(super) fn micros(us: i64) -> prost_types::Timestamp {
    let nanos = i32::try_from(us.rem_euclid(1_000_000)).unwrap_or(0) * 1_000;
    prost_types::Timestamp { seconds: us.div_euclid(1_000_000), nanos }
}

/// Microseconds; fractions below are cut. `None` outside of jiff's range.
pub(super) fn to_micros(timestamp: &prost_types::Timestamp) -> Option<i64> {
    if !(0..1_000_000_000).contains(&timestamp.nanos) {
        return None;
    }
    let us = timestamp.seconds.checked_mul(1_000_000)?.checked_add(i64::from(timestamp.nanos / 1_000))?;
    Timestamp::from_microsecond(us).ok()?;
    Some(us)
}

pub(super) fn sex(number: i32) -> Sex {
    match common::Sex::try_from(number) {
        Ok(common::Sex::Male) => Sex::Male,
        Ok(common::Sex::Female) => Sex::Female,
        _ => Sex::Unknown,
    }
}

/// The whole answer; its receipt comes later.
pub(super) fn answer(answer: Answer, sub: &str) -> pb::VerifyEligibilityResponse {
    pb::VerifyEligibilityResponse {
        state: state_number(answer.state).into(),
        results: answer.results.into_iter().map(result).collect(),
        version: answer.version.unwrap_or_default(),
        summary: Some(pb::Summary {
            headline: Some(text(answer.summary.headline)),
            receptionist: Some(text(answer.summary.receptionist)),
            vendor: Some(text(answer.summary.vendor)),
        }),
        subject: sub.to_owned(),
        receipt: None,
    }
}

fn result(row: GroupResult) -> pb::EligibilityResult {
    let issuer_name = row.issuer_name().unwrap_or_default().to_owned();
    let first = row.first;
    pb::EligibilityResult {
        group: row.group.to_string(),
        group_name: Some(text(row.group_name)),
        issuer: row.issuer.map(|issuer| issuer.organization().urn()).unwrap_or_default(),
        issuer_name,
        outcome: outcome_number(first.outcome).into(),
        authoritative: first.authoritative,
        as_of: row.as_of.map(instant),
        days: Some(days(&first)),
        entitlements: first.entitlements.into_iter().map(entitlement).collect(),
        counter_action: action(first.counter_action).into(),
        counter_action_rule: first.rule.name().to_owned(),
        instruction: Some(text(first.instruction)),
        later: row.rest.into_iter().map(segment).collect(),
        lapsed_on: date(first.lapsed_on),
        starts_on: date(first.starts_on),
    }
}

fn segment(part: eligibility::Segment) -> pb::Segment {
    pb::Segment {
        days: Some(days(&part)),
        outcome: outcome_number(part.outcome).into(),
        authoritative: part.authoritative,
        entitlements: part.entitlements.into_iter().map(entitlement).collect(),
        counter_action: action(part.counter_action).into(),
        counter_action_rule: part.rule.name().to_owned(),
        instruction: Some(text(part.instruction)),
        lapsed_on: date(part.lapsed_on),
        starts_on: date(part.starts_on),
    }
}

fn days(part: &eligibility::Segment) -> common::DateRange {
    common::DateRange { from: part.days.first().to_string(), to: part.days.last().to_string() }
}

fn entitlement(right: ServedEntitlement) -> pb::Entitlement {
    pb::Entitlement {
        certification_name: right.certification_name,
        law_no: right.law_no.to_string(),
        payer_number: right.payer_number.map(|number| number.to_string()).unwrap_or_default(),
        recipient_number: right.recipient_number.as_ref().map(ToString::to_string).unwrap_or_default(),
        validity: Some(common::DateRange {
            from: right.validity.from().to_string(),
            to: date(right.validity.to()),
        }),
        days_to_expiry: right.days_to_expiry,
        income_segment: right.income_segment.unwrap_or_default(),
        segment: right.segment.unwrap_or_default(),
        copayments: right.copayments.into_iter().map(copayment).collect(),
        additional_conditions: right.additional_conditions.into_iter().map(condition).collect(),
        designated_institutions: right.designated_institutions.into_iter().map(institution).collect(),
        always_reimbursement: right.always_reimbursement,
        area: right.area.map_or(pb::Area::Unspecified, area).into(),
        meal_covered: right.meal_covered,
        priority: right.priority,
        priority_basis: basis(&right.priority_basis),
        as_of: right.as_of.map(instant),
        details: right.details.into_iter().map(detail).collect(),
    }
}

pub(super) fn copayment(rule: CopaymentRule) -> pb::CopaymentRule {
    pb::CopaymentRule {
        care_type: rule.care.map_or(pb::CareType::Unspecified, care_type).into(),
        unit: unit(rule.unit).into(),
        amount: rule.amount,
        per_institution: rule.per_institution,
    }
}

fn condition(known: AdditionalCondition) -> pb::AdditionalCondition {
    pb::AdditionalCondition { item: known.item, condition: known.condition }
}

fn institution(known: DesignatedInstitution) -> pb::DesignatedInstitution {
    pb::DesignatedInstitution { code: known.code.to_string(), name: known.name }
}

fn detail(known: CertificateDetail) -> pb::CertificateDetail {
    pb::CertificateDetail { label: known.label, value: known.value }
}

/// A stored version as its issuer reads it back.
pub(super) fn version(version: &Entitlement) -> pb::EntitlementRow {
    pb::EntitlementRow {
        row_id: String::new(),
        resident_key: version.resident_key.as_str().to_owned(),
        certificate_type_id: version.certificate_type_id.clone(),
        certification_name: version.certification_name.clone(),
        certification_sub_key: version.certification_sub_key.clone(),
        law_no: version.group.law_no().to_string(),
        payer_number: version.payer_number.map(|number| number.to_string()).unwrap_or_default(),
        recipient_number: version.recipient_number.as_ref().map(ToString::to_string).unwrap_or_default(),
        valid_from: version.validity.from().to_string(),
        valid_to: date(version.validity.to()),
        segment: version.segment.clone().unwrap_or_default(),
        income_segment: version.income_segment.clone().unwrap_or_default(),
        copayments: version.copayments.iter().copied().map(copayment).collect(),
        additional_conditions: version.additional_conditions.iter().cloned().map(condition).collect(),
        designated_institutions: version.designated_institutions.iter().cloned().map(institution).collect(),
        always_reimbursement: version.always_reimbursement,
        not_disclosed: version.not_disclosed,
        area: area(version.area).into(),
        meal_covered: version.meal_covered,
        history_key: version.history_key.as_str().to_owned(),
        deleted: version.deleted,
        details: version.details.iter().cloned().map(detail).collect(),
    }
}

pub(super) fn raw_entitlement(row: pb::EntitlementRow) -> RawEntitlement {
    RawEntitlement {
        resident_key: row.resident_key,
        certificate_type_id: row.certificate_type_id,
        certification_name: row.certification_name,
        certification_sub_key: row.certification_sub_key,
        law_no: row.law_no,
        payer_number: row.payer_number,
        recipient_number: row.recipient_number,
        valid_from: row.valid_from,
        valid_to: row.valid_to,
        segment: row.segment,
        income_segment: row.income_segment,
        copayments: bounded(row.copayments).iter().map(raw_copayment).collect(),
        additional_conditions: bounded(row.additional_conditions)
            .into_iter()
            .map(|known| AdditionalCondition { item: known.item, condition: known.condition })
            .collect(),
        designated_institutions: bounded(row.designated_institutions)
            .into_iter()
            .map(|known| RawDesignatedInstitution { code: known.code, name: known.name })
            .collect(),
        always_reimbursement: row.always_reimbursement,
        not_disclosed: row.not_disclosed,
        area: to_area(row.area),
        meal_covered: row.meal_covered,
        history_key: row.history_key,
        deleted: row.deleted,
        details: bounded(row.details)
            .into_iter()
            .map(|known| CertificateDetail { label: known.label, value: known.value })
            .collect(),
    }
}

/// What the rules refuse anyway is not read further than they must to refuse it:
/// a message holds more items than any list may have.
pub(super) fn bounded<T>(mut items: Vec<T>) -> Vec<T> {
    items.truncate(MORE_THAN_ANY_LIST);
    items
}

/// The longest list that the rules take has 100 items.
const MORE_THAN_ANY_LIST: usize = 101;

/// Paths of enum fields whose number names nothing.
pub(super) fn unknown_words(row: &pb::EntitlementRow) -> Vec<String> {
    let mut unknown = Vec::new();
    if pb::Area::try_from(row.area).is_err() {
        unknown.push("area".to_owned());
    }
    for (position, rule) in row.copayments.iter().enumerate().take(MORE_THAN_ANY_LIST) {
        if pb::CareType::try_from(rule.care_type).is_err() {
            unknown.push(format!("copayments[{position}].care_type"));
        }
        if pb::CopaymentUnit::try_from(rule.unit).is_err() {
            unknown.push(format!("copayments[{position}].unit"));
        }
    }
    unknown
}

/// The same for a resident.
pub(super) fn unknown_sex(row: &resident::ResidentRow) -> Vec<String> {
    if common::Sex::try_from(row.sex).is_err() { vec!["sex".to_owned()] } else { Vec::new() }
}

pub(super) fn raw_resident(row: resident::ResidentRow) -> RawResident {
    RawResident {
        resident_key: row.resident_key,
        birth_date: row.birth_date,
        sex: sex(row.sex),
        removed: row.removed,
        removed_on: row.removed_on,
    }
}

fn raw_copayment(rule: &pb::CopaymentRule) -> RawCopaymentRule {
    let unit = match rule.unit() {
        pb::CopaymentUnit::Unspecified => None,
        pb::CopaymentUnit::RatePercent => Some(CopaymentUnit::RatePercent),
        pb::CopaymentUnit::YenPerMonth => Some(CopaymentUnit::YenPerMonth),
        pb::CopaymentUnit::YenPerDay => Some(CopaymentUnit::YenPerDay),
        pb::CopaymentUnit::YenPerVisit => Some(CopaymentUnit::YenPerVisit),
        pb::CopaymentUnit::CountPerMonth => Some(CopaymentUnit::CountPerMonth),
    };
    RawCopaymentRule {
        care: to_care(rule.care_type),
        unit,
        amount: rule.amount,
        per_institution: rule.per_institution,
    }
}

pub(super) fn to_care(number: i32) -> Option<CareType> {
    match pb::CareType::try_from(number).ok()? {
        pb::CareType::Unspecified => None,
        pb::CareType::Outpatient => Some(CareType::Outpatient),
        pb::CareType::Inpatient => Some(CareType::Inpatient),
        pb::CareType::Pharmacy => Some(CareType::Pharmacy),
        pb::CareType::VisitingNursing => Some(CareType::VisitingNursing),
    }
}

fn care_type(care: CareType) -> pb::CareType {
    match care {
        CareType::Outpatient => pb::CareType::Outpatient,
        CareType::Inpatient => pb::CareType::Inpatient,
        CareType::Pharmacy => pb::CareType::Pharmacy,
        CareType::VisitingNursing => pb::CareType::VisitingNursing,
    }
}

fn unit(unit: CopaymentUnit) -> pb::CopaymentUnit {
    match unit {
        CopaymentUnit::RatePercent => pb::CopaymentUnit::RatePercent,
        CopaymentUnit::YenPerMonth => pb::CopaymentUnit::YenPerMonth,
        CopaymentUnit::YenPerDay => pb::CopaymentUnit::YenPerDay,
        CopaymentUnit::YenPerVisit => pb::CopaymentUnit::YenPerVisit,
        CopaymentUnit::CountPerMonth => pb::CopaymentUnit::CountPerMonth,
    }
}

pub(super) fn to_area(number: i32) -> Area {
    match pb::Area::try_from(number) {
        Ok(pb::Area::Prefecture) => Area::Prefecture,
        Ok(pb::Area::Municipality) => Area::Municipality,
        _ => Area::Anywhere,
    }
}

pub(super) fn area(area: Area) -> pb::Area {
    match area {
        Area::Anywhere => pb::Area::Unspecified,
        Area::Prefecture => pb::Area::Prefecture,
        Area::Municipality => pb::Area::Municipality,
    }
}

fn action(action: eligibility::CounterAction) -> pb::CounterAction {
    match action {
        eligibility::CounterAction::ApplyHere => pb::CounterAction::ApplyHere,
        eligibility::CounterAction::CollectShareThenReimburse => pb::CounterAction::CollectShareThenReimburse,
        eligibility::CounterAction::NotDesignatedHere => pb::CounterAction::NotDesignatedHere,
        eligibility::CounterAction::AskIssuer => pb::CounterAction::AskIssuer,
        eligibility::CounterAction::UsePaper => pb::CounterAction::UsePaper,
    }
}

fn basis(basis: &PriorityBasis) -> String {
    match basis {
        PriorityBasis::Unverified => "UNVERIFIED".to_owned(),
        PriorityBasis::Official(table) => table.clone(),
    }
}

fn date(date: Option<Date>) -> String {
    date.map(|date| date.to_string()).unwrap_or_default()
}
