//! The one implementation of [`PeerLog`] outside tests: signature, inclusion, witnesses, and whose entry it is.

use jiff::Timestamp;
use pmh_audit::{DetailBody, Kind, Policy, Receipt, Verified, VerifierKey};
use pmh_domain::handoff::{
    EntryRef, HomeSays, LeafHash, PeerLog, Request, RequestRefused, Side, Statement, StaySays,
};
use sha2::{Digest as _, Sha256};

use super::{Message, Said, Told, link::Link};
use crate::{ops::Gateway, rpc::handoff::wire};

/// The log in which one municipality's entries stand.
pub(super) struct MunicipalLog<'a> {
    key: &'a VerifierKey,
    policy: Option<&'a Policy>,
    /// `<kind>:<code>`.
    municipality: &'a str,
}

impl<'a> MunicipalLog<'a> {
    /// As this installation knows it; `None` if nobody serves the municipality.
    pub(super) fn of(gateway: &'a Gateway, municipality: &'a str) -> Option<Self> {
        let (key, policy) = match gateway.link(municipality)? {
            Link::Here => (gateway.log_keys().0, None),
            Link::Peer(peer) => (&peer.key, peer.policy.as_ref()),
        };
        Some(Self { key, policy, municipality })
    }

    /// What the receipt proves of the response: that this municipality's log entered it, as what it says it is.
    fn prove(&self, message: &Message) -> Option<(Verified, Told)> {
        let told = wire::told(&message.response)?;
        let verified = verify(self.key, self.policy, &message.receipt, &message.response)?;
        let leaf = &verified.leaf;
        let is_theirs = leaf.holder.as_ref().is_some_and(|holder| holder.as_str() == self.municipality);
        // A replay's entry commits to the same bytes, but it is no step: its index must never be a fencing number.
        (is_theirs && kinds(&told.said).contains(&leaf.kind)).then_some((verified, told))
    }
}

/// A receipt of a log, for a response of which the caller has the very bytes. What was asked is not the other side's affair.
fn verify(
    key: &VerifierKey,
    policy: Option<&Policy>,
    receipt: &Receipt,
    response: &[u8],
) -> Option<Verified> {
    let detail = DetailBody::decode(&receipt.detail.body).ok()?;
    let verified = receipt.verify(key, &detail.request_sha256, &Sha256::digest(response).into()).ok()?;
    match policy {
        Some(policy) => policy.open(receipt.checkpoint.as_bytes(), key).ok().map(|_| verified),
        None => Some(verified),
    }
}

impl PeerLog<HomeSays> for MunicipalLog<'_> {
    type Receipt = Message;

    fn open(&self, message: &Message) -> Option<Statement<HomeSays>> {
        let (verified, told) = self.prove(message)?;
        let Said::Home(says) = told.said else { return None };
        statement(&verified, told.handoff, told.cause, Side::Home, says)
    }
}

impl PeerLog<StaySays> for MunicipalLog<'_> {
    type Receipt = Message;

    fn open(&self, message: &Message) -> Option<Statement<StaySays>> {
        let (verified, told) = self.prove(message)?;
        let Said::Stay(says) = told.said else { return None };
        statement(&verified, told.handoff, told.cause, Side::Stay, says)
    }
}

impl PeerLog<Request> for MunicipalLog<'_> {
    type Receipt = Message;

    fn open(&self, message: &Message) -> Option<Statement<Request>> {
        let (verified, told) = self.prove(message)?;
        let Said::Request(request) = told.said else { return None };
        statement(&verified, told.handoff, told.cause, Side::Stay, *request)
    }
}

impl PeerLog<RequestRefused> for MunicipalLog<'_> {
    type Receipt = Message;

    fn open(&self, message: &Message) -> Option<Statement<RequestRefused>> {
        let (verified, told) = self.prove(message)?;
        let Said::RequestRefused(reason) = told.said else { return None };
        statement(&verified, told.handoff, told.cause, Side::Home, RequestRefused(reason))
    }
}

fn statement<S>(
    verified: &Verified,
    handoff: pmh_domain::handoff::HandoffId,
    cause: Option<(u64, LeafHash)>,
    log: Side,
    says: S,
) -> Option<Statement<S>> {
    let other = match log {
        Side::Home => Side::Stay,
        Side::Stay => Side::Home,
    };
    let time_us = i64::try_from(verified.leaf.time_us).ok()?;
    Some(Statement {
        entry: EntryRef { log, index: verified.index, leaf: LeafHash(verified.leaf_hash) },
        handoff,
        at: Timestamp::from_microsecond(time_us).ok()?,
        cause: cause.map(|(index, leaf)| EntryRef { log: other, index, leaf }),
        says,
    })
}

/// The kinds of entry that may say it.
fn kinds(said: &Said) -> &'static [Kind] {
    match said {
        Said::Home(says) => match says {
            HomeSays::Offer(_) => &[Kind::HandoffOffer],
            HomeSays::Confirm { .. } => &[Kind::HandoffConfirm],
            HomeSays::Shorten { .. }
            | HomeSays::ChildDuties { .. }
            | HomeSays::Acknowledged
            | HomeSays::CareApproved(_) => &[Kind::Write],
            HomeSays::CareEnded => &[Kind::HandoffWithdraw],
            HomeSays::ConsentGiven(_) => &[Kind::RegistryChange],
            HomeSays::Received => &[Kind::HandoffReturn],
            HomeSays::Ended => &[Kind::HandoffWithdraw, Kind::HandoffClose],
        },
        Said::Stay(says) => match says {
            StaySays::Accept(_) => &[Kind::HandoffAccept],
            StaySays::Decline(_) => &[Kind::HandoffDecline],
            StaySays::Extend { .. } | StaySays::Report(_) | StaySays::Born(_) | StaySays::Lost { .. } => {
                &[Kind::Write]
            }
            StaySays::GiveBack(_) | StaySays::Return => &[Kind::HandoffReturn],
            StaySays::ConsentWithdrawn(_) => &[Kind::HandoffWithdraw],
        },
        Said::Request(_) => &[Kind::Write],
        Said::RequestRefused(_) => &[Kind::HandoffDecline],
    }
}
