//! Statements as they travel between two gateways: the recorded response of a step, whose bytes the step's entry commits
//! to. Nothing here is believed; see `ops/handoff/proof.rs`.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use pmh_domain::{
    handoff::{
        Answers, Bases, Category, CodeDigest, Consent, ConsentOrigin, Duty, DutyAnswer, EntryRef, Giver,
        HandoffId, HomeSays, LeafHash, Offer, Officer, RequestAct, Side, Statement, Statutory, StaySays,
        Terms, TwoOfficers,
    },
    organization::{IssuerId, OrganizationId},
    time::DateRange,
};
use pmh_proto::handoff::{self as pb, handoff_statement::Says};
use prost::Message as _;
use uuid::Uuid;

use super::{care, newborn, report, request, words};
use crate::ops::handoff::{Guest, Message, Said, Told};

/// What home's entry tells, as the bytes of a response; empty if it tells nothing.
pub(crate) fn of_home(statement: Option<&Statement<HomeSays>>) -> Vec<u8> {
    let Some(statement) = statement else { return Vec::new() };
    let day = |last: &Date| last.to_string();
    let says = match &statement.says {
        HomeSays::Offer(offer) => Says::Offer(terms(offer.terms())),
        HomeSays::Confirm { last } => Says::Confirmed(pb::HandoffConfirmed { last_day: day(last) }),
        HomeSays::Shorten { last } => Says::Shortened(pb::HandoffShortened { last_day: day(last) }),
        HomeSays::ChildDuties { owed } => Says::ChildDuties(pb::HandoffChildDuties { owed: *owed }),
        HomeSays::ConsentGiven(more) => {
            let categories = more.iter().map(|category| words::category(*category).into()).collect();
            Says::ConsentGiven(pb::HandoffConsentGiven { categories })
        }
        HomeSays::CareApproved(approval) => Says::CareApproved(care::to_wire(approval)),
        HomeSays::CareEnded => Says::CareEnded(pb::HandoffCareEnded {}),
        HomeSays::Acknowledged => Says::Acknowledged(pb::HandoffAcknowledged {}),
        HomeSays::Received => Says::ReturnReceived(pb::HandoffReturnReceived {}),
        HomeSays::Ended => Says::Ended(pb::HandoffEnded {}),
    };
    response(statement.handoff, statement.cause, says)
}

/// What the stay side's entry tells.
pub(crate) fn of_stay(statement: Option<&Statement<StaySays>>) -> Vec<u8> {
    let Some(statement) = statement else { return Vec::new() };
    let says = match &statement.says {
        StaySays::Accept(given) => Says::Accepted(pb::HandoffAccepted { answers: answers(given) }),
        StaySays::Decline(reason) => {
            Says::Declined(pb::HandoffDeclined { reason: words::decline(*reason).into() })
        }
        StaySays::Extend { last } => Says::Extension(pb::HandoffExtension { last_day: last.to_string() }),
        StaySays::GiveBack(duties) => {
            let duties = duties.iter().map(|duty| words::duty(*duty).into()).collect();
            Says::GivenBack(pb::HandoffGivenBack { duties })
        }
        StaySays::ConsentWithdrawn(categories) => {
            let categories = categories.iter().map(|category| words::category(*category).into()).collect();
            Says::ConsentWithdrawn(pb::HandoffConsentWithdrawn { categories })
        }
        StaySays::Report(said) => Says::Reported(pb::HandoffReported { report: Some(report::to_wire(said)) }),
        StaySays::Return => Says::Returned(pb::HandoffReturned {}),
        StaySays::Born(told) => Says::Born(newborn::birth(told)),
        StaySays::Lost { birth, loss } => Says::Lost(newborn::loss(*birth, *loss)),
    };
    response(statement.handoff, statement.cause, says)
}

/// What an entry about a request tells, if anything.
pub(crate) fn of_request(act: &RequestAct, handoff: HandoffId) -> Vec<u8> {
    match act {
        RequestAct::RequestMade(asked) => response(handoff, None, Says::Requested(request::to_wire(asked))),
        RequestAct::RequestRefused { cause, reason } => {
            let refused = pb::HandoffRequestRefused { reason: words::decline(*reason).into() };
            response(handoff, Some(*cause), Says::RequestRefused(refused))
        }
        RequestAct::RequestReceived { .. } | RequestAct::RefusalReceived { .. } => Vec::new(),
    }
}

/// What a response tells; `None` if it tells nothing, or nothing that this version understands.
pub(crate) fn told(response: &[u8]) -> Option<Told> {
    let message = pb::OfferHandoffResponse::decode(response).ok()?;
    if message.receipt.is_some() || message.encoded_len() != response.len() {
        return None;
    }
    let statement = message.statement?;
    let handoff = handoff_id(&statement.handoff_id)?;
    let cause = match statement.cause {
        Some(name) => Some((name.index, LeafHash(name.leaf_hash.try_into().ok()?))),
        None => None,
    };
    let said = said(statement.says?, handoff, cause)?;
    Some(Told { handoff, cause, said })
}

/// A message with its receipt, as it is kept and sent. The subject part is not for the other side.
pub(crate) fn encode(message: &Message) -> Vec<u8> {
    request(message).encode_to_vec()
}

/// The same as the request of a delivery.
pub(crate) fn request(message: &Message) -> pb::DeliverRequest {
    let receipt = pmh_audit::Receipt { subject: None, ..message.receipt.clone() };
    pb::DeliverRequest {
        message: message.response.clone(),
        receipt: Some(crate::rpc::receipt::to_proto(receipt)),
    }
}

/// As [`encode`] wrote it.
pub(crate) fn decode(bytes: &[u8]) -> Option<Message> {
    received(&pb::DeliverRequest::decode(bytes).ok()?)
}

/// A message as it came.
pub(crate) fn received(request: &pb::DeliverRequest) -> Option<Message> {
    let receipt = pmh_client::receipt::from_wire(request.receipt.as_ref()?).ok()?;
    Some(Message {
        response: request.message.clone(),
        receipt: pmh_audit::Receipt { subject: None, ..receipt },
    })
}

/// A peer's answer with its receipt, as it is kept.
pub(crate) fn answer_bytes(response: &pb::DeliverResponse) -> Vec<u8> {
    response.encode_to_vec()
}

/// An answer as [`answer_bytes`] kept it, as the message that it is.
pub(crate) fn answer(bytes: &[u8]) -> Option<Message> {
    let mut answer = pb::DeliverResponse::decode(bytes).ok()?;
    let receipt = pmh_client::receipt::from_wire(answer.receipt.take().as_ref()?).ok()?;
    Some(Message {
        response: answer.encode_to_vec(),
        receipt: pmh_audit::Receipt { subject: None, ..receipt },
    })
}

/// What the stay side's gateway asks home's.
pub(crate) fn ask(guest: Guest, still_open: bool) -> pb::ReadRecordsRequest {
    pb::ReadRecordsRequest {
        handoff_id: id_text(guest.handoff),
        category: words::category(guest.category).into(),
        duty: guest.duty.map_or(0, |duty| words::duty(duty).into()),
        still_open,
        child: guest.child.into(),
    }
}

/// Home's answer without its receipt.
pub(crate) fn bare(response: &pb::ReadRecordsResponse) -> Vec<u8> {
    pb::ReadRecordsResponse { records: response.records.clone(), receipt: None }.encode_to_vec()
}

/// A handoff's id from its usual form.
pub(crate) fn handoff_id(text: &str) -> Option<HandoffId> {
    let id = Uuid::try_parse(text).ok().filter(|id| id.to_string() == text)?;
    Some(HandoffId(id.into_bytes()))
}

/// And back.
pub(crate) fn id_text(id: HandoffId) -> String {
    Uuid::from_bytes(id.0).to_string()
}

fn response(handoff: HandoffId, cause: Option<EntryRef>, says: Says) -> Vec<u8> {
    let name =
        |cause: EntryRef| pb::HandoffEntryName { index: cause.index, leaf_hash: cause.leaf.0.to_vec() };
    let statement =
        pb::HandoffStatement { handoff_id: id_text(handoff), cause: cause.map(name), says: Some(says) };
    // Every response that carries a statement has it in field 1, so their bytes are the same.
    pb::OfferHandoffResponse { statement: Some(statement), receipt: None }.encode_to_vec()
}

fn said(says: Says, handoff: HandoffId, cause: Option<(u64, LeafHash)>) -> Option<Said> {
    let day = |text: &str| text.parse::<Date>().ok().filter(|day| day.to_string() == text);
    Some(match says {
        Says::Offer(wire) => Said::Home(HomeSays::Offer(Box::new(offer(&wire, handoff, cause)?))),
        Says::Confirmed(confirmed) => Said::Home(HomeSays::Confirm { last: day(&confirmed.last_day)? }),
        Says::Shortened(shortened) => Said::Home(HomeSays::Shorten { last: day(&shortened.last_day)? }),
        Says::ChildDuties(duties) => Said::Home(HomeSays::ChildDuties { owed: duties.owed }),
        Says::ConsentGiven(more) => {
            Said::Home(HomeSays::ConsentGiven(words::all(&more.categories, words::to_category)?))
        }
        Says::CareApproved(approved) => Said::Home(HomeSays::CareApproved(care::of_wire(&approved)?)),
        Says::CareEnded(_) => Said::Home(HomeSays::CareEnded),
        Says::Acknowledged(_) => Said::Home(HomeSays::Acknowledged),
        Says::ReturnReceived(_) => Said::Home(HomeSays::Received),
        Says::Ended(_) => Said::Home(HomeSays::Ended),
        Says::Accepted(accepted) => Said::Stay(StaySays::Accept(to_answers(&accepted.answers)?)),
        Says::Declined(declined) => Said::Stay(StaySays::Decline(words::to_decline(declined.reason)?)),
        Says::Extension(longer) => Said::Stay(StaySays::Extend { last: day(&longer.last_day)? }),
        Says::GivenBack(back) => Said::Stay(StaySays::GiveBack(words::all(&back.duties, words::to_duty)?)),
        Says::ConsentWithdrawn(taken) => {
            Said::Stay(StaySays::ConsentWithdrawn(words::all(&taken.categories, words::to_category)?))
        }
        Says::Requested(asked) => Said::Request(Box::new(request::of_wire(&asked, handoff)?)),
        Says::RequestRefused(refused) => Said::RequestRefused(words::to_decline(refused.reason)?),
        Says::Reported(told) => Said::Stay(StaySays::Report(Box::new(report::of_wire(&told.report?)?))),
        Says::Returned(_) => Said::Stay(StaySays::Return),
        Says::Born(told) => Said::Stay(StaySays::Born(Box::new(newborn::of_birth(&told)?))),
        Says::Lost(told) => Said::Stay(newborn::of_loss(&told)?),
    })
}

fn terms(terms: &Terms) -> pb::HandoffOffer {
    let mut consents: Vec<(ConsentOrigin, Vec<i32>)> = Vec::new();
    for (category, origin) in terms.bases.consents() {
        let number = words::category(category).into();
        match consents.iter_mut().find(|(known, _)| known == origin) {
            Some((_, categories)) => categories.push(number),
            None => consents.push((origin.clone(), vec![number])),
        }
    }
    pb::HandoffOffer {
        home: urn(terms.home),
        stay: urn(terms.stay),
        first_day: terms.period.first().to_string(),
        last_day: terms.period.last().to_string(),
        duties: terms.duties.iter().map(|duty| words::duty(*duty).into()).collect(),
        consents: consents.into_iter().map(|(origin, categories)| consent(&origin, categories)).collect(),
        statutory: terms.bases.statutory().iter().map(statutory).collect(),
        code_digest: terms.code.as_bytes().to_vec(),
        answer_by: terms.answer_by.to_string(),
    }
}

pub(super) fn consent(origin: &ConsentOrigin, categories: Vec<i32>) -> pb::HandoffConsent {
    let (word, form, officers) = match origin {
        ConsentOrigin::Card => (pb::HandoffConsentOrigin::Card, String::new(), Vec::new()),
        ConsentOrigin::App => (pb::HandoffConsentOrigin::App, String::new(), Vec::new()),
        ConsentOrigin::Paper { form, officers } => {
            (pb::HandoffConsentOrigin::Paper, form.clone(), two(officers))
        }
    };
    pb::HandoffConsent { categories, origin: word.into(), form, officers }
}

fn statutory(stated: &Statutory) -> pb::HandoffStatutoryBasis {
    pb::HandoffStatutoryBasis {
        categories: stated.categories.iter().map(|category| words::category(*category).into()).collect(),
        law: words::law(stated.law).into(),
        duties: stated.duties.iter().map(|duty| words::duty(*duty).into()).collect(),
        officers: two(&stated.officers),
    }
}

fn two(officers: &TwoOfficers) -> Vec<String> {
    vec![officers.asked().0.clone(), officers.approved().0.clone()]
}

fn offer(wire: &pb::HandoffOffer, handoff: HandoffId, cause: Option<(u64, LeafHash)>) -> Option<Offer> {
    let day = |text: &str| text.parse::<Date>().ok().filter(|day| day.to_string() == text);
    let consents: Option<Vec<Consent>> = wire.consents.iter().map(to_consent).collect();
    let stated: Option<Vec<Statutory>> = wire.statutory.iter().map(to_statutory).collect();
    let terms = Terms {
        handoff,
        home: municipality(&wire.home)?,
        stay: municipality(&wire.stay)?,
        period: DateRange::new(day(&wire.first_day)?, day(&wire.last_day)?).ok()?,
        duties: words::all(&wire.duties, words::to_duty)?,
        bases: Bases::new(&consents?, stated?),
        code: CodeDigest::from_bytes(wire.code_digest.as_slice().try_into().ok()?),
        answer_by: day(&wire.answer_by)?,
    };
    // The offer's request stands in the stay side's log.
    let request = cause.map(|(index, leaf)| EntryRef { log: Side::Stay, index, leaf });
    Offer::restored(terms, request).ok()
}

/// A municipality from its URN.
pub(super) fn municipality(text: &str) -> Option<IssuerId> {
    let is_municipality = text.starts_with("urn:x-pmh:org:municipality:");
    OrganizationId::parse_urn(text).ok().filter(|_| is_municipality)?.issuer().ok()
}

/// And back.
pub(super) fn urn(municipality: IssuerId) -> String {
    format!("urn:x-pmh:org:{}", municipality.organization())
}

/// Consent as it is stated.
pub(super) fn to_consent(wire: &pb::HandoffConsent) -> Option<Consent> {
    let origin = match wire.origin() {
        pb::HandoffConsentOrigin::Unspecified => return None,
        pb::HandoffConsentOrigin::Card => ConsentOrigin::Card,
        pb::HandoffConsentOrigin::App => ConsentOrigin::App,
        pb::HandoffConsentOrigin::Paper => {
            ConsentOrigin::Paper { form: wire.form.clone(), officers: officers(&wire.officers)? }
        }
    };
    let is_paper = matches!(origin, ConsentOrigin::Paper { .. });
    let names_a_form = !wire.form.is_empty() || !wire.officers.is_empty();
    if names_a_form && !is_paper {
        return None;
    }
    let categories: BTreeSet<Category> = words::all(&wire.categories, words::to_category)?;
    Consent::received(Giver::Mother, categories, origin).ok()
}

/// A law as it is stated.
pub(super) fn to_statutory(wire: &pb::HandoffStatutoryBasis) -> Option<Statutory> {
    let categories: BTreeSet<Category> = words::all(&wire.categories, words::to_category)?;
    let duties: BTreeSet<Duty> = words::all(&wire.duties, words::to_duty)?;
    let officers = officers(&wire.officers)?;
    (!categories.is_empty()).then_some(Statutory {
        categories,
        law: words::to_law(wire.law)?,
        duties,
        officers,
    })
}

fn officers(names: &[String]) -> Option<TwoOfficers> {
    let [asked, approved] = names else { return None };
    TwoOfficers::new(Officer(asked.clone()), Officer(approved.clone()))
}

fn answers(given: &Answers) -> Vec<pb::HandoffDutyAnswer> {
    let answer = |(duty, answer)| pb::HandoffDutyAnswer {
        duty: words::duty(duty).into(),
        declined: match answer {
            DutyAnswer::Accepted => 0,
            DutyAnswer::Declined(reason) => words::decline(reason).into(),
        },
    };
    given.all().map(answer).collect()
}

fn to_answers(wire: &[pb::HandoffDutyAnswer]) -> Option<Answers> {
    given(wire).map(Answers::told)
}

/// An answer to each duty, each once.
pub(super) fn given(wire: &[pb::HandoffDutyAnswer]) -> Option<BTreeMap<Duty, DutyAnswer>> {
    let mut given = BTreeMap::new();
    for answer in wire {
        let word = match answer.declined {
            0 => DutyAnswer::Accepted,
            declined => DutyAnswer::Declined(words::to_decline(declined)?),
        };
        if given.insert(words::to_duty(answer.duty)?, word).is_some() {
            return None;
        }
    }
    Some(given)
}
