//! The outbox: every told entry is brought to the other side until its answer is verified. Sending again is always safe.

use std::sync::Arc;

use pmh_audit::{DetailBody, Kind, List, Opening, Receipt, References, Salt, ShortText, registry};
use pmh_proto::common::Reason;
use pmh_store::{Draft, Fault, Page, handoff::DueMessage};

use super::{
    Message,
    link::{Link, Peer},
    receive::{Bearer, take},
};
use crate::{
    ops::{
        Gateway,
        call::nobody,
        log::{Log, checkpoint_of, inclusion},
        unavailable,
        witnessing::cosigned_checkpoint,
    },
    rpc::{handoff::wire, status::Refusal},
};

/// Sends what is due, in the order of the log. Errors: the store; what does not arrive is tried again later.
pub async fn deliver_due(gateway: &Arc<Gateway>) -> Result<(), Fault> {
    for due in gateway.store.reader().due_messages(gateway.now_us(), AT_ONCE).await? {
        match deliver(gateway, &due).await {
            Ok(answer) => gateway.store.message_delivered(gateway.attempt(), &due, answer).await?,
            Err(reason) => {
                tracing::debug!(?reason, attempts = due.attempts, "a handoff's message did not arrive");
                let next_us = gateway.now_us().saturating_add(pause_us(due.attempts));
                gateway.store.message_failed(gateway.attempt(), &due, next_us).await?;
            }
        }
    }
    Ok(())
}

/// The answer, verified, with its receipt.
async fn deliver(gateway: &Arc<Gateway>, due: &DueMessage) -> Result<Vec<u8>, Reason> {
    let told = gateway.store.reader().handoff(due.id, due.side).await;
    let stored = told.map_err(|_| Reason::TryAgain)?.ok_or(Reason::Internal)?;
    // What was queued before a restriction is not told after it.
    if stored.is_withheld {
        return Err(Reason::NotFound);
    }
    let link = gateway.link(&due.receiver).ok_or(Reason::TryAgain)?;
    let witnesses = match link {
        Link::Here => 0,
        Link::Peer(peer) => peer.witnesses,
    };
    let receipt = receipt(gateway, due.index, witnesses).await.map_err(|refusal| refusal.reason())?;
    let message = Message { response: due.message.clone(), receipt };
    match link {
        Link::Here => deliver_here(gateway, &message).await,
        Link::Peer(peer) => deliver_to(peer, &message).await,
    }
}

async fn deliver_here(gateway: &Arc<Gateway>, message: &Message) -> Result<Vec<u8>, Reason> {
    let taken = take(gateway, &Bearer::Here, own_draft(), message).await;
    let (response, receipt) = taken.map_err(|refusal| refusal.reason())?;
    let receipt = receipt.ok_or(Reason::Internal)?;
    Ok(wire::encode(&Message { response, receipt }))
}

async fn deliver_to(peer: &Peer, message: &Message) -> Result<Vec<u8>, Reason> {
    let answered = peer.client.call(&wire::request(message), None).await;
    let proven =
        answered.map_err(|error| error.refused().map_or(Reason::TryAgain, |refused| refused.reason))?;
    Ok(wire::answer_bytes(&proven.response))
}

/// The receipt of an entry of ours, made anew. Its subject part stays closed: the two sides share no name of the person.
pub(super) async fn receipt(gateway: &Gateway, index: u64, witnesses: u32) -> Result<Receipt, Refusal> {
    let reader = gateway.store.reader();
    let page = Page { from_index: index, end_index: index.saturating_add(1), limit: 1 };
    let stored = reader.entries(&page).await.map_err(|fault| unavailable(&fault))?.into_iter().next();
    let leaf = stored.ok_or_else(|| Refusal::new(Reason::Internal))?.leaf;
    let (tree_size, checkpoint) = match witnesses {
        0 => checkpoint_of(gateway, Log::Gateway).await?,
        _ => cosigned_checkpoint(gateway, Log::Gateway, index, witnesses).await?,
    };
    let (path, _) = inclusion(gateway, Log::Gateway, index, tree_size).await?;
    let part = reader.part(index, DETAIL).await.map_err(|fault| unavailable(&fault))?;
    let (salt, body) = part.ok_or_else(|| Refusal::new(Reason::Erased))?;
    let detail = Opening { salt: Salt::new(salt), body };
    Ok(Receipt { leaf, index, tree_size, path, checkpoint, detail, subject: None })
}

/// The gateway brings itself a message: nobody asked for it.
pub(super) fn own_draft() -> Draft {
    Draft {
        kind: Kind::Write,
        method: registry::Method::DELIVER,
        purpose: registry::Purpose::PUBLIC_HEALTH,
        outcome: 0,
        categories: registry::Categories::HANDOFF,
        holder: None,
        requester: None,
        references: References::default(),
        subject: None,
        actor: nobody(),
        detail: DetailBody {
            request_sha256: [0; 32],
            response_sha256: [0; 32],
            consent: ShortText::default(),
            outcomes: List::default(),
            rows: None,
        },
    }
}

/// One second, then twice as long each time, at most ten minutes: a peer that comes back is heard soon, and one that is away
/// is not called all day.
fn pause_us(attempts: u32) -> i64 {
    let doubled = 1_000_000_i64.saturating_mul(1 << attempts.min(10));
    doubled.min(600_000_000)
}

const AT_ONCE: u32 = 64;
/// Place of the detail part of an entry, from 1.
const DETAIL: u8 = 4;
