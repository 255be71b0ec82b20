//! "Who looked at my data?": a person's list of accesses, complete up to the look-up's own entry.

mod delay;
mod guardians;
mod questions;

pub use delay::{NewDelay, put_delay};
pub use questions::{NewQuestion, Questions, answer, list_questions, question};

use std::sync::Arc;

use pmh_audit::{ChainBody, Hash, Kind, Opening, Receipt, registry};
use pmh_auth::policy::Permit;
use pmh_domain::time::tokyo_date;
use pmh_proto::common::Reason;
use pmh_store::{AccessPage, Chains, Concluding, Conclusion, Draft, EntrySubject, Registry, Reply};
use sha2::{Digest as _, Sha256};

use super::{
    Call, Gateway,
    log::{self, Log},
    refusals::{refused, settled},
    unavailable,
    verify::purpose_number,
};
use crate::rpc::status::Refusal;

/// Which part of which list.
#[derive(Debug, Clone, Copy)]
pub struct Listing {
    /// Whose entries: records, or presentations and tokens.
    pub log: Log,
    /// Entries at most.
    pub limit: usize,
    /// Only entries below this index; `None` for the newest.
    pub below: Option<u64>,
}

/// A page, before it is recorded.
#[derive(Debug, Clone)]
pub struct Listed {
    /// The entries.
    pub page: AccessPage,
    /// Their paths, in the same order.
    pub paths: Vec<Vec<Hash>>,
    /// Whose entries.
    pub log: Log,
    /// The chains that are listed.
    pub chains: Chains,
    /// Size of the tree.
    pub tree_size: u64,
    /// Its checkpoint.
    pub checkpoint: String,
    /// Names of organizations.
    pub registry: Arc<Registry>,
    /// Microseconds: what is withheld until then is shown.
    pub now_us: i64,
}

/// A page of the list, and the opening of the look-up's own place in it.
///
/// The page is read first and recorded then; whatever came between the two is found by the numbers in the look-up's own
/// links, and the page is read again. Each attempt is an entry of its own: over-reporting is allowed.
pub async fn list(
    gateway: &Arc<Gateway>,
    call: &Call,
    permit: &Permit,
    listing: Listing,
    render: impl Fn(&Listed) -> Vec<u8>,
) -> Result<(Vec<u8>, Receipt, Opening), Refusal> {
    let citizen = ListReader::of(gateway, call, permit, listing.log).await?;
    for _ in 0..ATTEMPTS {
        let listed = citizen.read(listing).await?;
        let answer = render(&listed);
        let (receipt, chain) = citizen.record(&answer).await?;
        if listing.below.is_some() || follows(&chain, &listed)? {
            return Ok((answer, receipt, chain));
        }
    }
    Err(Refusal::new(Reason::TryAgain))
}

/// Somebody who reads a list: the person or a guardian.
struct ListReader<'a> {
    gateway: &'a Arc<Gateway>,
    call: &'a Call,
    purpose: registry::Purpose,
    log: Log,
    chains: Chains,
}

impl<'a> ListReader<'a> {
    /// A guardian reads as long as the relation is in force here; in the token it may be five minutes longer.
    async fn of(
        gateway: &'a Arc<Gateway>,
        call: &'a Call,
        permit: &Permit,
        log: Log,
    ) -> Result<Self, Refusal> {
        let chains = match log {
            Log::Gateway => gateway.chains(call, permit).await?,
            Log::Auth => gateway.chains_in_auth(permit).await?,
        };
        Ok(Self { gateway, call, purpose: purpose_number(permit.purpose()), log, chains })
    }

    async fn read(&self, listing: Listing) -> Result<Listed, Refusal> {
        let reader = self.gateway.reader(self.log);
        let (tree_size, root) = reader.head().await.map_err(|fault| unavailable(&fault))?;
        let below = listing.below.unwrap_or(tree_size);
        if below > tree_size {
            return Err(Refusal::invalid_fields(vec![]).with_field("page_token", Reason::Value));
        }
        let page = match self.log {
            Log::Gateway => reader.accesses(&self.chains, below, listing.limit).await,
            Log::Auth => reader.presentations(&self.chains, below, listing.limit).await,
        };
        let page = page.map_err(|fault| unavailable(&fault))?;
        let mut paths = Vec::with_capacity(page.items.len());
        for item in &page.items {
            paths.push(log::inclusion(self.gateway, self.log, item.index, tree_size).await?.0);
        }
        // A person about whom nothing is recorded may be the first to have an entry at all.
        let checkpoint = match tree_size {
            0 => String::new(),
            _ => log::sign(self.gateway, self.log, tree_size, root)?,
        };
        let (registry, now_us) = (self.gateway.registry(), self.gateway.now_us());
        let (log, chains) = (self.log, self.chains.clone());
        Ok(Listed { page, paths, log, chains, tree_size, checkpoint, registry, now_us })
    }

    async fn record(&self, answer: &[u8]) -> Result<(Receipt, Opening), Refusal> {
        let draft = self.draft(Sha256::digest(answer).into())?;
        let conclude = move |concluding: Concluding<'_, ()>| match concluding {
            Concluding::Fresh(()) => {
                Conclusion { reply: Reply::Answer(Vec::new()), draft: Some(draft.clone()) }
            }
            Concluding::Replay(_) | Concluding::KeyReused => refused(Reason::Internal),
        };
        let attempt = self.gateway.attempt();
        let recorded = match self.log {
            Log::Gateway => self.gateway.store.note_access(attempt, &self.chains, conclude).await,
            Log::Auth => self.gateway.auth.note_access(attempt, conclude).await,
        };
        let (_, receipt) = settled(recorded.map_err(|fault| unavailable(&fault))?)?;
        let receipt = receipt.ok_or_else(|| Refusal::new(Reason::Internal))?;
        let chain = self.gateway.reader(self.log).chain_of(receipt.index).await;
        let chain = chain.map_err(|fault| unavailable(&fault))?;
        Ok((receipt, chain.ok_or_else(|| Refusal::new(Reason::Internal))?))
    }

    fn draft(&self, response_sha256: [u8; 32]) -> Result<Draft, Refusal> {
        self.gateway.look_up(self.call, self.purpose, &self.chains, response_sha256)
    }
}

impl Gateway {
    /// The lists that the token's holder may read.
    async fn chains(&self, call: &Call, permit: &Permit) -> Result<Chains, Refusal> {
        let subject = permit.subject().ok_or_else(|| Refusal::new(Reason::TokenMissing))?;
        let person =
            subject.open(&self.encrypted_subjects).map_err(|_| Refusal::new(Reason::TokenInvalid))?;
        let reader = self.store.reader();
        let Some(actor) = subject.actor() else {
            return reader.chains_of_person(person).await.map_err(|fault| unavailable(&fault));
        };
        let guardian = self
            .pairwise
            .open(&actor.sub, permit.organization().as_str())
            .map_err(|_| Refusal::new(Reason::SubjectMismatch))?;
        let guardian = self.subject_refs.subject_ref(&guardian);
        let today = tokyo_date(call.now).to_string();
        reader
            .chains_of_guardian(person, guardian, &today)
            .await
            .map_err(|fault| unavailable(&fault))?
            .ok_or_else(|| Refusal::new(Reason::SubjectMismatch))
    }

    /// The holder's own list in auth's log. A guardian has none there: where a child's own card was presented is the
    /// child's.
    async fn chains_in_auth(&self, permit: &Permit) -> Result<Chains, Refusal> {
        let subject = permit.subject().ok_or_else(|| Refusal::new(Reason::TokenMissing))?;
        if subject.actor().is_some() {
            return Err(Refusal::new(Reason::SubjectMismatch));
        }
        let person =
            subject.open(&self.encrypted_subjects).map_err(|_| Refusal::new(Reason::TokenInvalid))?;
        let group = self.store.reader().group(person).await.map_err(|fault| unavailable(&fault))?;
        self.auth.reader().chains_of(person, &group).await.map_err(|fault| unavailable(&fault))
    }

    /// The entry of a citizen's look at the log.
    fn look_up(
        &self,
        call: &Call,
        purpose: registry::Purpose,
        chains: &Chains,
        response_sha256: [u8; 32],
    ) -> Result<Draft, Refusal> {
        let mut named = call.named(self).ok_or_else(|| Refusal::new(Reason::TokenInvalid))?;
        named.subject = EntrySubject { also: chains.also().to_vec(), ..named.subject };
        let mut draft =
            call.draft(Kind::CitizenQuery, registry::Categories::AUDIT, Some(&named), response_sha256);
        draft.purpose = purpose;
        Ok(draft)
    }
}

/// Whether the look-up took the very next place in every chain that was read.
fn follows(chain: &Opening, listed: &Listed) -> Result<bool, Refusal> {
    let body = ChainBody::decode(&chain.body).map_err(|_| Refusal::new(Reason::Internal))?;
    let next =
        |tag: &Hash| body.links.iter().find(|link| link.tag() == tag).map(pmh_audit::part::ChainLink::seq);
    let mut places = listed.chains.tags().iter().zip(&listed.page.newest);
    // A relation that ended in between leaves the look-up without a place; then the next attempt is refused.
    Ok(places.all(|(tag, newest)| next(tag) == Some(newest + 1)))
}

/// A page is read again when something came in between; more often than this, somebody is asking all the time.
const ATTEMPTS: usize = 5;
