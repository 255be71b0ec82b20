//! Requests become domain types.

use std::collections::BTreeSet;

use jiff::Timestamp;
use pmh_domain::{
    handoff::{
        Bases, Category, Consent, Duty, HandoffId, Offer, OneTimeCode, Proven, Request, Statutory, Terms,
        answer_by,
    },
    organization::IssuerId,
    resident::ResidentKey,
    time::{DateRange, tokyo_date},
};
use pmh_proto::{common::Reason, handoff as pb};

use super::{
    super::{fields::Fields, status::Refusal},
    wire, words, wrong,
};

/// The caller's key and a handoff.
pub(super) fn named(checked: &mut Fields, key: &str, handoff_id: &str) -> Option<(String, HandoffId)> {
    let key = checked.uuid("idempotency_key", key);
    let id = id(checked, handoff_id);
    key.zip(id)
}

/// A handoff's id.
pub(super) fn id(checked: &mut Fields, handoff_id: &str) -> Option<HandoffId> {
    let text = checked.uuid("handoff_id", handoff_id)?;
    required(checked, "handoff_id", wire::handoff_id(&text))
}

/// The same where nothing else is asked.
pub(super) fn only_named(key: &str, handoff_id: &str) -> Result<(String, HandoffId), Refusal> {
    let mut checked = Fields::default();
    let named = named(&mut checked, key, handoff_id);
    checked.finish()?;
    named.ok_or_else(wrong)
}

/// A value that must be there and be one.
pub(super) fn required<T>(checked: &mut Fields, path: &str, value: Option<T>) -> Option<T> {
    if value.is_none() {
        checked.wrong(path, Reason::Value);
    }
    value
}

/// The days of a stay.
pub(super) fn period(checked: &mut Fields, first: &str, last: &str) -> Option<DateRange> {
    let first = checked.date("first_day", first);
    let (first, last) = first.zip(checked.date("last_day", last))?;
    let period = DateRange::new(first, last).ok();
    if period.is_none() {
        checked.wrong("last_day", Reason::IntervalReversed);
    }
    period
}

/// Known categories.
pub(super) fn categories(checked: &mut Fields, numbers: &[i32]) -> Option<BTreeSet<Category>> {
    required(checked, "categories", words::all(numbers, words::to_category))
}

/// Known duties.
pub(super) fn duties(checked: &mut Fields, numbers: &[i32]) -> Option<BTreeSet<Duty>> {
    required(checked, "duties", words::all(numbers, words::to_duty))
}

/// What the gateway draws for an offer.
pub(super) struct Drawn {
    pub(super) handoff: [u8; 16],
    pub(super) code: [u8; 16],
}

/// Key, resident and offer of a request.
pub(super) fn offer(
    message: &pb::OfferHandoffRequest,
    home: IssuerId,
    request: Option<&Proven<Request>>,
    drawn: &Drawn,
    now: Timestamp,
) -> Result<(String, ResidentKey, Offer), Refusal> {
    let mut checked = Fields::default();
    let key = checked.uuid("idempotency_key", &message.idempotency_key);
    let resident_key = checked.identifier("resident_key", &message.resident_key, MAX_KEY);
    let resident_key =
        resident_key.and_then(|key| required(&mut checked, "resident_key", ResidentKey::parse(&key).ok()));
    let stay = required(&mut checked, "stay", wire::municipality(&message.stay));
    let period = period(&mut checked, &message.first_day, &message.last_day);
    let duties = duties(&mut checked, &message.duties);
    let code = match (message.code.as_slice(), request) {
        // Nobody ever has this one: she was at the other window already.
        ([], Some(_)) => Some(drawn.code),
        (code, _) => required(&mut checked, "code", code.try_into().ok()),
    };
    let answer = checked.optional_date("answer_by", &message.answer_by);
    let mut consents = consents(&mut checked, &message.consents);
    consents.extend(request.map(|request| request.says().consent.clone()));
    let stated = statutory(&mut checked, &message.statutory);
    checked.finish()?;
    let period = period.ok_or_else(wrong)?;
    let handoff = request.map_or(HandoffId(drawn.handoff), Proven::handoff);
    let terms = Terms {
        handoff,
        home,
        stay: stay.ok_or_else(wrong)?,
        period,
        duties: duties.ok_or_else(wrong)?,
        bases: Bases::new(&consents, stated),
        code: OneTimeCode(code.ok_or_else(wrong)?).digest(handoff),
        answer_by: answer.unwrap_or_else(|| answer_by(tokyo_date(now)).min(period.last())),
    };
    let offer = match request {
        Some(request) => Offer::answering(request, terms),
        None => Offer::new(terms),
    };
    let offer =
        offer.map_err(|error| Refusal::invalid_fields(vec![]).with_field(path_of(error), Reason::Value))?;
    let (key, resident_key) = key.zip(resident_key).ok_or_else(wrong)?;
    Ok((key, resident_key, offer))
}

/// Consent as it was stated.
pub(super) fn consents(checked: &mut Fields, wire: &[pb::HandoffConsent]) -> Vec<Consent> {
    let mut consents = Vec::new();
    for (place, stated) in wire.iter().enumerate() {
        if stated.origin() == pb::HandoffConsentOrigin::Paper {
            checked.identifier(&format!("consents[{place}].form"), &stated.form, MAX_NAME);
            officers(checked, &format!("consents[{place}].officers"), &stated.officers);
        }
        consents.extend(required(checked, &format!("consents[{place}]"), wire::to_consent(stated)));
    }
    consents
}

fn statutory(checked: &mut Fields, wire: &[pb::HandoffStatutoryBasis]) -> Vec<Statutory> {
    let mut bases = Vec::new();
    for (place, stated) in wire.iter().enumerate() {
        officers(checked, &format!("statutory[{place}].officers"), &stated.officers);
        bases.extend(required(checked, &format!("statutory[{place}]"), wire::to_statutory(stated)));
    }
    bases
}

fn officers(checked: &mut Fields, path: &str, names: &[String]) {
    for name in names {
        checked.identifier(path, name, MAX_NAME);
    }
}

fn path_of(error: pmh_domain::handoff::OfferError) -> &'static str {
    use pmh_domain::handoff::OfferError;
    match error {
        OfferError::SameSide | OfferError::NotRequested => "stay",
        OfferError::NoDuty => "duties",
        OfferError::Statutory => "statutory",
        OfferError::AnswerBy => "answer_by",
        _ => "consents",
    }
}

const MAX_KEY: usize = 100;
const MAX_NAME: usize = 64;
