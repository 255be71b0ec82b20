//! Reading entries, for auditors. Reading them is an entry (kind 3), before its
//! answer; so is what an auditor is refused.

pub mod jurisdiction;
mod parts;
mod person;
mod two_people;

use pmh_audit::{Hash, Kind, Leaf, ShortText, registry, tree::leaf_hash};
use pmh_proto::common::Reason;
use pmh_store::{Draft, Filter, Page, PersonSearch, Recorded, Span, StoredEntry};

use super::{
    Call, Gateway, Response,
    log::{Log, inclusion, sign},
    refusals::reason_number,
    unavailable,
};
use crate::rpc::{receipt, status::Refusal};
use jurisdiction::Jurisdiction;

pub use parts::{Opened, open_parts};
pub(super) use person::asker;
pub use person::{Named, Request, approve, request};
pub(super) use two_people::{Asker, are_two};

/// A page of entries.
#[derive(Debug, Clone)]
pub struct Search {
    /// Which log.
    pub log: Log,
    /// First instant, microseconds.
    pub from_us: Option<i64>,
    /// One past the last instant, microseconds.
    pub to_us: Option<i64>,
    /// What fits.
    pub filter: Filter,
    /// Only about the person of this approved search.
    pub person_search_id: Option<String>,
    /// Entries at most.
    pub limit: usize,
    /// Where the page before ended: next index and the tree size it speaks for.
    pub after: Option<(u64, u64)>,
}

/// What a page holds.
#[derive(Debug, Clone)]
pub struct Found {
    /// In the order of the log.
    pub entries: Vec<Seen>,
    /// Where to go on; a page may be short, even empty, and not the last.
    pub next: Option<(u64, u64)>,
    /// Tree this page speaks for: it stays the same from page to page, so that
    /// a past page never changes.
    pub tree_size: u64,
    /// Its checkpoint.
    pub checkpoint: String,
    /// In a search by person: the person before this auditor.
    pub subject: Option<String>,
}

/// An entry as far as an auditor may see it.
#[derive(Debug, Clone)]
pub enum Seen {
    /// Within the jurisdiction, with its leaf read out.
    Whole(StoredEntry, Box<Leaf>),
    /// Outside: its place and its leaf's hash.
    Outside(u64, Hash),
}

impl Seen {
    fn by(jurisdiction: &Jurisdiction, stored: StoredEntry, leaf: Leaf) -> Self {
        if jurisdiction.covers(&leaf) {
            Self::Whole(stored, Box::new(leaf))
        } else {
            Self::Outside(stored.index, leaf_hash(&stored.leaf))
        }
    }
}

/// One entry, its path and the checkpoint that covers it.
pub async fn entry<R: Response>(
    gateway: &Gateway,
    call: &Call,
    log: Log,
    index: u64,
    render: impl Fn(&Seen, &[Hash], &str) -> R + Send + 'static,
) -> Result<Recorded<R>, Refusal> {
    let (size, root) = gateway.reader(log).head().await.map_err(|fault| unavailable(&fault))?;
    let (stored, leaf) = stored(gateway, log, index).await?;
    let seen = Seen::by(&gateway.jurisdictions.of(call.short()), stored, leaf);
    let (path, _) = inclusion(gateway, log, index, size).await?;
    let note = sign(gateway, log, size, root)?;
    let call = call.clone();
    gateway
        .store
        .disclose(gateway.attempt(), None, move |_, _| {
            let response = render(&seen, &path, &note);
            let draft = draft(&call, response.digest());
            (response, Some(draft))
        })
        .await
        .map_err(|fault| unavailable(&fault))
}

/// A page of entries that fit.
pub async fn search<R: Response>(
    gateway: &Gateway,
    call: &Call,
    search: &Search,
    render: impl Fn(&Found) -> R + Send + 'static,
) -> Result<Recorded<R>, Refusal> {
    let person = match &search.person_search_id {
        Some(id) => Some(person::approved(gateway, call, id).await?),
        None => None,
    };
    let mut found = find(gateway, call, search, person.as_ref()).await?;
    let subject =
        person.as_ref().and_then(|known| gateway.entry_subject(known.asked.person, call.peer.urn()));
    found.subject = subject.as_ref().map(|subject| subject.sub.clone());
    let case = person.map(|known| known.asked.case_reference);
    let call = call.clone();
    gateway
        .store
        .disclose(gateway.attempt(), None, move |_, _| {
            let response = render(&found);
            let mut draft = under(&call, response.digest(), case.as_deref());
            draft.subject.clone_from(&subject);
            (response, Some(draft))
        })
        .await
        .map_err(|fault| unavailable(&fault))
}

async fn find(
    gateway: &Gateway,
    call: &Call,
    search: &Search,
    person: Option<&PersonSearch>,
) -> Result<Found, Refusal> {
    let reader = gateway.reader(search.log);
    let (newest, _) = reader.head().await.map_err(|fault| unavailable(&fault))?;
    let size = search.after.map_or(newest, |(_, size)| size);
    let of_no_page = || Refusal::invalid_fields(vec![]).with_field("page_token", Reason::Value);
    if size > newest || search.after.is_some_and(|(next, _)| next > size) {
        return Err(of_no_page());
    }
    let root = reader.root(size).await.map_err(|fault| unavailable(&fault))?;
    let checkpoint = match root {
        Some(root) => sign(gateway, search.log, size, root)?,
        None if size == 0 => String::new(),
        None => return Err(of_no_page()),
    };
    let (from, end) = range(gateway, search, size).await?;
    gateway.index_up_to(search.log, size).await?;
    let jurisdiction = gateway.jurisdictions.of(call.short());
    let lists_all = search.filter.is_empty() && person.is_none();
    let admits = |leaf: &Leaf| lists_all || jurisdiction.covers(leaf);
    let span = Span { from, end, limit: search.limit, admits: &admits };
    let hits = match person {
        Some(known) => reader.search_people(&known.asked.people, &search.filter, &span).await,
        None => reader.search(&search.filter, &span).await,
    };
    let hits = hits.map_err(|fault| unavailable(&fault))?;
    let next = (hits.next < end).then_some((hits.next, size));
    let entries =
        hits.entries.into_iter().map(|(stored, leaf)| Seen::by(&jurisdiction, stored, leaf)).collect();
    Ok(Found { entries, next, tree_size: size, checkpoint, subject: None })
}

/// The indexes of the period, from where the page before ended.
async fn range(gateway: &Gateway, search: &Search, size: u64) -> Result<(u64, u64), Refusal> {
    let reader = gateway.reader(search.log);
    let first_at = async |time_us| reader.first_at(time_us, size).await.map_err(|fault| unavailable(&fault));
    let end = match search.to_us {
        Some(to_us) => first_at(to_us).await?,
        None => size,
    };
    let from = match (search.after, search.from_us) {
        (Some((next, _)), _) => next,
        (None, Some(from_us)) => first_at(from_us).await?,
        (None, None) => 0,
    };
    Ok((from.min(end), end))
}

pub(super) async fn stored(gateway: &Gateway, log: Log, index: u64) -> Result<(StoredEntry, Leaf), Refusal> {
    // No log is that long, and no database counts that far.
    let end_index = index.checked_add(1).filter(|end| i64::try_from(*end).is_ok());
    let end_index = end_index.ok_or_else(|| Refusal::new(Reason::NotFound))?;
    let page = Page { from_index: index, end_index, limit: 1 };
    let stored = gateway.reader(log).entries(&page).await.map_err(|fault| unavailable(&fault))?;
    let stored = stored.into_iter().next().ok_or_else(|| Refusal::new(Reason::NotFound))?;
    let leaf = Leaf::decode(&stored.leaf).map_err(|_| Refusal::new(Reason::Internal))?;
    Ok((stored, leaf))
}

fn draft(call: &Call, response_sha256: [u8; 32]) -> Draft {
    call.draft(Kind::AuditorQuery, registry::Categories::AUDIT, None, response_sha256)
}

/// The same under a case or warrant, which stands where other answers name the consent they rest on.
fn under(call: &Call, response_sha256: [u8; 32], reference: Option<&str>) -> Draft {
    let mut draft = draft(call, response_sha256);
    draft.detail.consent = ShortText::new(reference.unwrap_or_default()).unwrap_or_default();
    draft
}

impl Gateway {
    /// Indexes a log up to a size, some blocks at a time.
    async fn index_up_to(&self, log: Log, size: u64) -> Result<(), Refusal> {
        for _ in 0..STEPS_A_CALL {
            if !self.index_step(log, size).await.map_err(|fault| unavailable(&fault))? {
                return Ok(());
            }
        }
        // A log that is being indexed for the first time; each call brings it further.
        Err(Refusal::new(Reason::TryAgain))
    }

    /// Brings the search index behind both logs nearer to now: a step, and on while nobody at a counter waits. What a
    /// busy hour leaves undone, a quiet one or the next search makes up.
    pub async fn follow_search(&self) -> Result<(), pmh_store::Fault> {
        for log in [Log::Gateway, Log::Auth] {
            let (size, _) = self.reader(log).head().await?;
            while self.index_step(log, size).await? && self.store.waiting() == 0 {}
        }
        Ok(())
    }

    /// One step; false if there is nothing left to do.
    async fn index_step(&self, log: Log, size: u64) -> Result<bool, pmh_store::Fault> {
        let Some(index) = self.reader(log).search_backlog(size).await? else { return Ok(false) };
        match log {
            Log::Gateway => self.store.index_search(self.attempt(), index).await?,
            Log::Auth => self.auth.index_search(self.attempt(), index).await?,
        }
        Ok(true)
    }

    /// A refusal that says something about the log or its auditors has an entry of its own.
    pub(super) async fn refuse_auditor(&self, call: &Call, reason: Reason, reference: &str) -> Refusal {
        let refusal = Refusal::new(reason).with_request_id(call.request_id());
        let mut draft = under(call, refusal.digest(), Some(reference));
        draft.kind = Kind::Refusal;
        draft.outcome = reason_number(reason);
        let recorded = self.store.disclose(self.attempt(), None, move |_, _| ((), Some(draft.clone()))).await;
        match recorded.map(Recorded::into_parts) {
            Ok(((), Some(proof))) => refusal.with_receipt(receipt::to_proto(proof)),
            _ => Refusal::new(Reason::AuditUnavailable).with_request_id(call.request_id()),
        }
    }
}

/// Index steps that one search waits for.
const STEPS_A_CALL: usize = 64;
