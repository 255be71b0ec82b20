//! Everything that one side can prove of a handoff: its own entries with fresh receipts, the other side's as they came.

use std::{collections::BTreeMap, sync::Arc};

use jiff::civil::Date;
use pmh_audit::{Kind, OrgRef, Receipt, registry::Categories, tree::leaf_hash};
use pmh_domain::{
    checkup::ticket::TicketState,
    handoff::{HandoffId, Side},
    organization::IssuerId,
    time::DateRange,
};
use pmh_proto::common::Reason;
use pmh_store::{
    Recorded,
    handoff::{StoredHandoff, UsedTicket},
};

use super::{Message, consent_reference, deliver::receipt, fold};
use crate::{
    ops::{Call, Gateway, Response, unavailable},
    rpc::{handoff::wire, status::Refusal},
};

/// What is exported.
#[derive(Debug, Clone)]
pub struct Evidence {
    /// Which handoff.
    pub id: HandoffId,
    /// Who is home.
    pub home: IssuerId,
    /// Who is the stay side.
    pub stay: IssuerId,
    /// Entries of home's log, in its order.
    pub home_steps: Vec<Message>,
    /// Entries of the stay side's log.
    pub stay_steps: Vec<Message>,
    /// Visits that home's tickets paid for.
    pub visits: Vec<Visit>,
}

/// A visit as home keeps it.
#[derive(Debug, Clone)]
pub struct Visit {
    /// The ticket's number.
    pub ticket: String,
    /// Day.
    pub date: Date,
    /// The whole fee.
    pub fee_yen: u32,
    /// Home's share at most.
    pub cap_yen: u32,
    /// The entry that used the ticket.
    pub index: u64,
}

/// The caller's side of a handoff, entered before it is answered.
pub async fn evidence<R: Response>(
    gateway: &Arc<Gateway>,
    call: &Call,
    id: HandoffId,
    render: impl Fn(&Evidence) -> R + Send + 'static,
) -> Result<Recorded<R>, Refusal> {
    let stored = own(gateway, call, id).await?;
    let evidence = gathered(gateway, &stored).await?;
    let subject = stored.subject.and_then(|subject| gateway.entry_subject(subject, call.peer.urn()));
    let (call, holder) = (call.clone(), OrgRef::new(&stored.municipality).ok());
    gateway
        .store
        .disclose(gateway.attempt(), None, move |_, _| {
            let response = render(&evidence);
            let mut draft = call.draft(Kind::Disclosure, Categories::HANDOFF, None, response.digest());
            draft.holder.clone_from(&holder);
            draft.subject.clone_from(&subject);
            draft.detail.consent = consent_reference(id);
            (response, Some(draft))
        })
        .await
        .map_err(|fault| unavailable(&fault))
}

/// The side that the caller is. To a stay side that must not know of her there is no handoff.
async fn own(gateway: &Gateway, call: &Call, id: HandoffId) -> Result<StoredHandoff, Refusal> {
    for side in [Side::Home, Side::Stay] {
        let found = gateway.store.reader().handoff(id, side).await.map_err(|fault| unavailable(&fault))?;
        let is_own = |stored: &StoredHandoff| {
            stored.municipality == call.short() && !(side == Side::Stay && stored.is_withheld)
        };
        if let Some(stored) = found.filter(is_own) {
            return Ok(stored);
        }
    }
    Err(Refusal::new(Reason::NotFound))
}

async fn gathered(gateway: &Gateway, stored: &StoredHandoff) -> Result<Evidence, Refusal> {
    let reader = gateway.store.reader();
    let kept = reader.handoff_evidence(stored.id, stored.side).await.map_err(|fault| unavailable(&fault))?;
    let mut own = Vec::with_capacity(kept.own.len());
    for (index, response) in kept.own {
        own.push(Message { response, receipt: receipt(gateway, index, 0).await? });
    }
    let heard = kept.heard.iter().filter_map(|bytes| wire::decode(bytes));
    let answers = kept.answers.iter().filter_map(|bytes| wire::answer(bytes));
    // An entry that answers ours and tells something comes both ways.
    let theirs: BTreeMap<(u64, [u8; 32]), Message> = answers.chain(heard).map(named).collect();
    let theirs: Vec<Message> = theirs.into_values().collect();
    let (home_steps, stay_steps) = match stored.side {
        Side::Home => (own, theirs),
        Side::Stay => (theirs, own),
    };
    // A request that home has not answered with an offer is no handoff yet.
    let (offer, days) = offered(stored).ok_or_else(|| Refusal::new(Reason::StateNotAllowed))?;
    let visits = match stored.side {
        Side::Home => visits(gateway, stored, days).await?,
        Side::Stay => Vec::new(),
    };
    Ok(Evidence { id: stored.id, home: offer.0, stay: offer.1, home_steps, stay_steps, visits })
}

fn named(message: Message) -> ((u64, [u8; 32]), Message) {
    ((message.receipt.index, leaf_hash(&message.receipt.leaf)), closed(message))
}

/// The two sides share no name of the person, and neither does the file.
fn closed(message: Message) -> Message {
    Message { receipt: Receipt { subject: None, ..message.receipt }, ..message }
}

/// Who is home and stay, and the days of the stay.
fn offered(stored: &StoredHandoff) -> Option<((IssuerId, IssuerId), DateRange)> {
    let (offer, days) = match stored.side {
        Side::Home => fold::home(stored).map(|home| (home.offer().clone(), home.stay()))?,
        Side::Stay => {
            let stay = fold::stay(stored)?;
            let first = stay.offer().terms().period.first();
            (stay.offer().clone(), DateRange::new(first, stay.last_day()).unwrap_or(DateRange::day(first)))
        }
    };
    Some(((offer.terms().home, offer.terms().stay), days))
}

async fn visits(gateway: &Gateway, stored: &StoredHandoff, days: DateRange) -> Result<Vec<Visit>, Refusal> {
    let used = gateway.store.reader().used_tickets(&stored.municipality, &stored.resident_key).await;
    let used = used.map_err(|fault| unavailable(&fault))?;
    Ok(used.iter().filter_map(visit).filter(|visit| days.contains(visit.date)).collect())
}

fn visit(used: &UsedTicket) -> Option<Visit> {
    let ticket = &used.issued.ticket;
    let TicketState::Used(visit) = &ticket.state else { return None };
    Some(Visit {
        ticket: ticket.number.clone(),
        date: visit.date,
        fee_yen: visit.fee_yen,
        cap_yen: ticket.cap_yen,
        index: used.index,
    })
}
