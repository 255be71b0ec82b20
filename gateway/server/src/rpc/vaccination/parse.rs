//! Requests become domain types.

use std::collections::BTreeSet;

use jiff::civil::Date;
use pmh_domain::{
    organization::OrganizationId,
    vaccination::{AgePolicy, Answer, Programme, VaccineCode},
};
use pmh_proto::{
    common::{DateRange, Reason},
    vaccination as pb,
};
use pmh_store::vaccination::{Condition, DoseCoding, Product, Route, Site, Source};

use super::super::{fields::Fields, status::Refusal};
use crate::ops::vaccination::{Administration, Amended, Correction, DoseListOf, Shot, Told};

pub(super) fn shot(checked: &mut Fields, message: Option<&pb::Shot>) -> Option<Shot> {
    let Some(message) = message else {
        checked.wrong("shot", Reason::Required);
        return None;
    };
    let vaccine = vaccine(checked, "shot.vaccine", &message.vaccine);
    let on = checked.date("shot.date", &message.date);
    let programme = programme(checked, "shot.programme", message.programme);
    let dose_no = number(checked, "shot.dose_number", message.dose_number);
    let product = product(checked, "shot.product", message.product.as_ref());
    let answers = message.questionnaire.as_ref().map(|paper| answers(checked, &paper.answers));
    let due_date = checked.optional_date("shot.due_date", &message.due_date);
    let birth_date = checked.optional_date("shot.birth_date", &message.birth_date);
    let policy = policy(checked, "shot.age_policy", message.age_policy);
    let conditions = conditions(checked, "shot.conditions", &message.conditions);
    Some(Shot {
        vaccine: vaccine?,
        on: on?,
        programme: programme?,
        dose_no,
        product,
        answers,
        due_date,
        conditions,
        paper_seen: message.paper_seen,
        policy,
        birth_date,
    })
}

pub(super) fn told(checked: &mut Fields, message: &pb::RecordDoseRequest) -> Option<Told> {
    let idempotency_key = checked.uuid("idempotency_key", &message.idempotency_key);
    if !message.reservation_id.is_empty() {
        checked.uuid("reservation_id", &message.reservation_id);
    }
    let shot = shot(checked, message.shot.as_ref());
    let administration = administration(checked, message.administration.as_ref());
    let late = late(checked, message.late);
    let payer = payer(checked, &message.payer);
    let override_reason = override_reason(checked, message.doctor_override.as_ref());
    if message.ruled_out && !message.not_done {
        checked.wrong("ruled_out", Reason::Contradiction);
    }
    Some(Told {
        idempotency_key: idempotency_key?,
        reservation_id: message.reservation_id.clone(),
        shot: shot?,
        administration,
        late,
        not_done: message.not_done,
        ruled_out: message.ruled_out,
        payer,
        override_reason,
    })
}

/// Key, dose, version, reason. What it becomes is for the caller to add.
pub(super) fn correction(
    checked: &mut Fields,
    (key, dose_id, version, reason): (&str, &str, u32, &str),
) -> Option<Correction> {
    let idempotency_key = checked.uuid("idempotency_key", key);
    let dose_id = checked.uuid("dose_id", dose_id);
    if version == 0 {
        checked.wrong("version", Reason::Required);
    }
    let reason = checked.identifier("reason", reason, MAX_REASON);
    Some(Correction {
        idempotency_key: idempotency_key?,
        dose_id: dose_id?,
        version,
        reason: reason?,
        to: None,
    })
}

pub(super) fn amended(checked: &mut Fields, message: &pb::AmendDoseRequest) -> Option<Amended> {
    let on = checked.date("date", &message.date);
    let product = product(checked, "product", message.product.as_ref());
    let administration = administration(checked, message.administration.as_ref());
    Some(Amended { on: on?, product, administration })
}

pub(super) fn override_reason(checked: &mut Fields, message: Option<&pb::DoctorOverride>) -> String {
    let Some(message) = message else { return String::new() };
    checked.identifier("doctor_override.reason", &message.reason, MAX_REASON).unwrap_or_default()
}

pub(super) fn vaccine(checked: &mut Fields, path: &str, text: &str) -> Option<VaccineCode> {
    if text.is_empty() {
        checked.wrong(path, Reason::Required);
        return None;
    }
    VaccineCode::parse(text).map_err(|_| checked.wrong(path, Reason::Characters)).ok()
}

pub(super) fn policy(checked: &mut Fields, path: &str, number: i32) -> AgePolicy {
    match pb::AgePolicy::try_from(number) {
        Ok(pb::AgePolicy::Unspecified | pb::AgePolicy::LawLiteral) => AgePolicy::LawLiteral,
        Ok(pb::AgePolicy::Birthday) => AgePolicy::Birthday,
        Err(_) => {
            checked.wrong(path, Reason::Value);
            AgePolicy::LawLiteral
        }
    }
}

/// A text that may be empty.
pub(super) fn optional(checked: &mut Fields, path: &str, text: &str, longest: usize) -> Option<String> {
    if text.is_empty() { None } else { checked.identifier(path, text, longest) }
}

/// Which page of whose doses.
pub(super) fn dose_list(checked: &mut Fields, message: &pb::ListDosesRequest) -> DoseListOf {
    let resident_key = optional(checked, "resident_key", &message.resident_key, super::MAX_KEY);
    let size = match message.page_size {
        0 => 100,
        size => usize::try_from(size).unwrap_or(usize::MAX).min(LARGEST_PAGE),
    };
    let place = |token: &str| {
        let (day, dose_id) = token.split_once('/')?;
        Some((day.parse().ok()?, uuid::Uuid::parse_str(dose_id).ok()?.to_string()))
    };
    let after = place(&message.page_token);
    if after.is_none() && !message.page_token.is_empty() {
        checked.wrong("page_token", Reason::Value);
    }
    DoseListOf { resident_key, after, size }
}

/// Every word once, in the contract's order.
pub(super) fn conditions(checked: &mut Fields, path: &str, numbers: &[i32]) -> Vec<Condition> {
    if numbers.len() > MAX_CONDITIONS {
        checked.wrong(path, Reason::Width);
    }
    let one = |(position, number): (usize, &i32)| {
        let condition = Condition::from_number(*number);
        if condition.is_none() {
            checked.wrong(format!("{path}[{position}]"), Reason::Value);
        }
        condition
    };
    let found: BTreeSet<_> = numbers.iter().take(MAX_CONDITIONS).enumerate().filter_map(one).collect();
    found.into_iter().collect()
}

/// Where a feed goes on.
pub(super) fn cursor(checked: &mut Fields, text: &str) -> Option<u64> {
    if text.is_empty() {
        return None;
    }
    let cursor = text.parse().ok().filter(|cursor| i64::try_from(*cursor).is_ok());
    if cursor.is_none() {
        checked.wrong("cursor", Reason::Value);
    }
    cursor
}

/// Required days, at most so many.
pub(super) fn days(range: Option<&DateRange>, longest: i32) -> Result<(Date, Date), Refusal> {
    let mut checked = Fields::default();
    let range = range.cloned().unwrap_or_default();
    let from = checked.date("days.from", &range.from);
    let to = checked.date("days.to", &range.to);
    if let (Some(from), Some(to)) = (from, to) {
        if to < from {
            checked.wrong("days.to", Reason::IntervalReversed);
        } else if pmh_domain::time::days_between(from, to) >= longest {
            checked.wrong("days", Reason::DateOutOfRange);
        }
    }
    checked.finish()?;
    from.zip(to).ok_or_else(super::wrong)
}

pub(super) fn product(checked: &mut Fields, path: &str, message: Option<&pb::Product>) -> Product {
    let Some(message) = message else { return Product::default() };
    if message.codings.len() > MAX_CODINGS {
        checked.wrong(format!("{path}.codings"), Reason::Width);
    }
    let coding = |(position, coding): (usize, &pb::Coding)| {
        let at = format!("{path}.codings[{position}]");
        let system = checked.identifier(&format!("{at}.system"), &coding.system, MAX_SYSTEM);
        let code = checked.identifier(&format!("{at}.code"), &coding.code, MAX_CODE);
        Some(DoseCoding { system: system?, code: code? })
    };
    let codings = message.codings.iter().take(MAX_CODINGS).enumerate().filter_map(coding).collect();
    let lot_number = optional(checked, &format!("{path}.lot_number"), &message.lot_number, MAX_CODE);
    let manufacturer = optional(checked, &format!("{path}.manufacturer"), &message.manufacturer, MAX_NAME);
    Product {
        codings,
        lot_number: lot_number.unwrap_or_default(),
        expiration_date: checked.optional_date(&format!("{path}.expiration_date"), &message.expiration_date),
        manufacturer: manufacturer.unwrap_or_default(),
    }
}

pub(super) fn administration(checked: &mut Fields, message: Option<&pb::Administration>) -> Administration {
    let Some(message) = message else { return Administration::default() };
    if message.quantity_ul > MAX_QUANTITY {
        checked.wrong("administration.quantity_ul", Reason::Value);
    }
    let doctor = optional(checked, "administration.doctor", &message.doctor, MAX_CODE);
    Administration {
        quantity_ul: message.quantity_ul,
        route: known(checked, "administration.route", message.route, Route::from_number),
        site: known(checked, "administration.site", message.site, Site::from_number),
        doctor: doctor.unwrap_or_default(),
    }
}

pub(super) fn programme(checked: &mut Fields, path: &str, number: i32) -> Option<Programme> {
    Some(match checked.word::<pb::Programme>(path, number)? {
        pb::Programme::Unspecified => return None,
        pb::Programme::Routine => Programme::Routine,
        pb::Programme::ByRequest => Programme::ByRequest,
        pb::Programme::LongIllness => Programme::LongIllness,
        pb::Programme::Extraordinary => Programme::Extraordinary,
        pb::Programme::Voluntary => Programme::Voluntary,
    })
}

fn late(checked: &mut Fields, number: i32) -> Option<Source> {
    let source = known(checked, "late", number, Source::from_number)?;
    if !matches!(source, Source::Outage | Source::Paper | Source::MassSession) {
        checked.wrong("late", Reason::Value);
    }
    Some(source)
}

fn payer(checked: &mut Fields, urn: &str) -> Option<String> {
    if urn.is_empty() {
        return None;
    }
    let payer = OrganizationId::parse_urn(urn).ok().filter(|payer| payer.issuer().is_ok());
    if payer.is_none() {
        checked.wrong("payer", Reason::Value);
    }
    payer.map(|payer| payer.to_string())
}

fn number(checked: &mut Fields, path: &str, number: u32) -> Option<u8> {
    match u8::try_from(number) {
        Ok(0) => None,
        Ok(number) => Some(number),
        Err(_) => {
            checked.wrong(path, Reason::Value);
            None
        }
    }
}

/// A word of the contract; 0 is none.
fn known<T>(checked: &mut Fields, path: &str, number: i32, word: impl Fn(i32) -> Option<T>) -> Option<T> {
    let word = word(number);
    if word.is_none() && number != 0 {
        checked.wrong(path, Reason::Value);
    }
    word
}

fn answers(checked: &mut Fields, numbers: &[i32]) -> BTreeSet<Answer> {
    let answer = |(position, number): (usize, &i32)| {
        let answer = pb::Answer::try_from(*number).ok().and_then(one_answer);
        if answer.is_none() {
            checked.wrong(format!("shot.questionnaire.answers[{position}]"), Reason::Value);
        }
        answer
    };
    numbers.iter().enumerate().filter_map(answer).collect()
}

fn one_answer(answer: pb::Answer) -> Option<Answer> {
    Some(match answer {
        pb::Answer::Unspecified => return None,
        pb::Answer::Fever => Answer::Fever,
        pb::Answer::AcuteIllness => Answer::AcuteIllness,
        pb::Answer::Anaphylaxis => Answer::Anaphylaxis,
        pb::Answer::Pregnant => Answer::Pregnant,
        pb::Answer::Immunosuppressed => Answer::Immunosuppressed,
        pb::Answer::Intussusception => Answer::Intussusception,
        pb::Answer::Keloid => Answer::Keloid,
        pb::Answer::ChronicDisease => Answer::ChronicDisease,
        pb::Answer::EarlierReaction => Answer::EarlierReaction,
        pb::Answer::Convulsion => Answer::Convulsion,
        pb::Answer::FamilyImmunodeficiency => Answer::FamilyImmunodeficiency,
        pb::Answer::Allergy => Answer::Allergy,
        pb::Answer::BloodProduct => Answer::BloodProduct,
        pb::Answer::Exposure => Answer::Exposure,
    })
}

const MAX_REASON: usize = 200;
const MAX_CODINGS: usize = 8;
const MAX_CONDITIONS: usize = 4;
const LARGEST_PAGE: usize = 200;
const MAX_SYSTEM: usize = 200;
const MAX_CODE: usize = 64;
const MAX_NAME: usize = 100;
const MAX_QUANTITY: u32 = 10_000;
