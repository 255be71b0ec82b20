//! "Who looked at my data?": the whole list, and the proof that nothing is missing from it.
//!
//! The gateway's log key is all that is trusted. Pages are fetched until the end; then every chain is walked from the
//! look-up's own entry, which its receipt proves, down to number 1. An entry removed, swapped or changed, the newest
//! included, is an error that names it. Names, delays and answers are the gateway's word and marked as such.

use pmh_audit::list::{Content, Record, Shown, Walk};
use pmh_audit::part::{Audience, ChainLink};
use pmh_audit::{AccessList, ChainBody, Hash, ListEntry, ListError, ListPage, Opening, Receipt, VerifierKey};
use pmh_proto::audit::{Access, AccessDisplay, ListMyAccessesRequest, ListMyAccessesResponse, Log};
use pmh_proto::common::Purpose;

use crate::error::Error;
use crate::gateway::Gateway;
use crate::presence::Presence;
use crate::receipt::{ProofError, array, check_subject, from_wire, opening};

/// Why a list must not be believed.
#[derive(Debug, thiserror::Error)]
pub enum AccessesError {
    /// A page could not be had, or its receipt does not hold.
    #[error("the list could not be read")]
    Call(#[from] Error),
    /// An entry is missing, swapped or changed.
    #[error("the list is not complete")]
    List(#[from] ListError),
    /// A page lacks a part, or a part has a wrong length.
    #[error("the list is malformed")]
    Malformed(#[from] ProofError),
    /// The pages are made of other chains than the first one, or than the look-up's own entry says.
    #[error("the list is made of other chains than its own look-up")]
    Chains,
    /// Entries of several chains are not in the order of the log.
    #[error("the list is not in the order of the log")]
    Order,
    /// An entry is hidden in a way that this reader need not accept.
    #[error("an entry is hidden without a stated ground")]
    Display,
    /// A chain that this reader has seen before is no longer listed.
    #[error("a part of the list that was there before is gone")]
    Forgotten,
}

/// A complete list. Only [`Gateway::my_accesses`] and [`verify`] make one.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct MyAccesses {
    /// Newest first, without the look-up itself.
    pub accesses: Vec<MyAccess>,
    /// Tags of the chains: to be remembered, and given when the list is asked for again.
    pub tags: Vec<Hash>,
    /// Whose list it is.
    pub audience: Audience,
    /// Each chain as a file that anybody verifies with the log's key alone, the look-up's own entry included.
    pub kept: Vec<AccessList>,
}

/// One entry of a complete list.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct MyAccess {
    /// Index in the log.
    pub index: u64,
    /// What the log proves; `None` while nothing of it is shown.
    pub record: Option<Record>,
    /// What the gateway says beside it.
    pub said: Access,
}

impl Gateway {
    /// The whole list of the token's subject, verified. `remembered` are the tags of an earlier list, if there is one.
    pub async fn my_accesses(
        &self,
        presence: &Presence,
        remembered: &[Hash],
    ) -> Result<MyAccesses, AccessesError> {
        self.listed_in(Log::Gateway, presence, remembered).await
    }

    /// Where the holder's card was presented, which tokens were issued and what was refused: the same list of auth's
    /// log, which has its own tags.
    pub async fn my_presentations(
        &self,
        presence: &Presence,
        remembered: &[Hash],
    ) -> Result<MyAccesses, AccessesError> {
        self.listed_in(Log::Auth, presence, remembered).await
    }

    async fn listed_in(
        &self,
        log: Log,
        presence: &Presence,
        remembered: &[Hash],
    ) -> Result<MyAccesses, AccessesError> {
        let mut pages: Vec<ListMyAccessesResponse> = Vec::new();
        loop {
            let request = ListMyAccessesRequest {
                log: log.into(),
                purpose: Purpose::Patrqt.into(),
                page_size: PAGE,
                page_token: pages.last().map(|page| page.next_page_token.clone()).unwrap_or_default(),
            };
            let page = self.call(&request, Some(presence.bearer())).await?;
            check_subject(&page.proof, &presence.token.sub)?;
            pages.push(page.response);
            // A gateway whose list never ends would keep us here: each page must go further down.
            if pages.last().is_some_and(|page| page.next_page_token.is_empty()) || !goes_down(&pages) {
                break;
            }
        }
        let key = match log {
            Log::Auth => &self.keys().auth,
            Log::Gateway | Log::Unspecified => &self.keys().gateway,
        };
        verify(&pages, key, remembered)
    }
}

/// Verifies all pages of one list, whose receipts have been checked against their calls.
pub fn verify(
    pages: &[ListMyAccessesResponse],
    key: &VerifierKey,
    remembered: &[Hash],
) -> Result<MyAccesses, AccessesError> {
    let own = Own::read(pages.first().ok_or(ProofError::Missing)?)?;
    if pages.iter().any(|page| !own.is_made_of(&page.tags)) {
        return Err(AccessesError::Chains);
    }
    if remembered.iter().any(|tag| !own.tags.contains(tag)) {
        return Err(AccessesError::Forgotten);
    }
    let mut listed = Vec::new();
    for (number, page) in pages.iter().enumerate() {
        for access in &page.accesses {
            listed.push(Listed::read(number, access, &own)?);
        }
    }
    if !listed.iter().map(|entry| entry.entry.index).is_sorted_by(|newer, older| newer > older) {
        return Err(AccessesError::Order);
    }
    let mut records: Vec<Option<Record>> = vec![None; listed.len()];
    let mut kept = Vec::with_capacity(own.tags.len());
    for tag in &own.tags {
        let mut file = AccessList { tag: *tag, own: own.leaf_hash, pages: vec![own.page.clone()] };
        let mut walk = Walk::new(key.clone(), *tag, own.leaf_hash);
        walk.page(&own.page)?;
        for (number, page) in pages.iter().enumerate() {
            let mine = listed.iter().zip(&mut records);
            let mine = mine.filter(|(entry, _)| entry.page == number && entry.tags.contains(tag));
            let (entries, places): (Vec<_>, Vec<_>) =
                mine.map(|(entry, record)| (entry.entry.clone(), record)).unzip();
            if entries.is_empty() {
                continue;
            }
            let page = ListPage { entries, tree_size: page.tree_size, checkpoint: page.checkpoint.clone() };
            for (access, place) in walk.page(&page)?.into_iter().zip(places) {
                *place = access.record;
            }
            file.pages.push(page);
        }
        walk.finish()?;
        kept.push(file);
    }
    let accesses = listed.into_iter().zip(records);
    let accesses =
        accesses.map(|(entry, record)| MyAccess { index: entry.entry.index, record, said: entry.said });
    Ok(MyAccesses { accesses: accesses.collect(), tags: own.tags, audience: own.audience, kept })
}

/// The look-up's own entry: the newest of every chain of the list.
struct Own {
    page: ListPage,
    leaf_hash: Hash,
    tags: Vec<Hash>,
    audience: Audience,
}

impl Own {
    fn read(first: &ListMyAccessesResponse) -> Result<Self, AccessesError> {
        let wire = first.receipt.as_ref().ok_or(ProofError::Missing)?;
        let chain = opening(wire.chain.as_ref().ok_or(ProofError::Incomplete)?)?;
        let receipt = from_wire(wire)?;
        let tags = first.tags.iter().map(|tag| array(tag)).collect::<Result<Vec<_>, _>>()?;
        let audience = audience_of(&chain, &tags)?;
        let leaf_hash = pmh_audit::tree::leaf_hash(&receipt.leaf);
        Ok(Self { page: own_page(receipt, chain), leaf_hash, tags, audience })
    }

    fn is_made_of(&self, tags: &[Vec<u8>]) -> bool {
        self.tags.iter().map(<[u8; 32]>::as_slice).eq(tags.iter().map(Vec::as_slice))
    }
}

/// A person's own list has every chain of the person that the look-up closed; a guardian's has guardians' chains.
fn audience_of(chain: &Opening, tags: &[Hash]) -> Result<Audience, AccessesError> {
    let body = ChainBody::decode(&chain.body).map_err(|_| ProofError::Incomplete)?;
    let links: Vec<&ChainLink> = body.links.iter().collect();
    let audience = links.iter().find(|link| tags.first() == Some(link.tag())).map(|link| link.audience());
    let audience = audience.ok_or(AccessesError::Chains)?;
    let is_link = |tag: &Hash| links.iter().any(|link| link.tag() == tag && link.audience() == audience);
    let is_listed = |link: &&ChainLink| link.audience() != Audience::Person || tags.contains(link.tag());
    let is_whole = audience == Audience::Guardian || links.iter().copied().all(|link| is_listed(&link));
    if tags.iter().all(is_link) && is_whole { Ok(audience) } else { Err(AccessesError::Chains) }
}

fn own_page(receipt: Receipt, chain: Opening) -> ListPage {
    let Receipt { leaf, index, tree_size, path, checkpoint, detail, subject } = receipt;
    let shown = Shown { leaf, chain, detail: Some(detail), subject };
    let content = Content::Shown(Box::new(shown));
    ListPage { entries: vec![ListEntry { index, path, content }], tree_size, checkpoint }
}

/// An entry with the chains that it is in.
struct Listed {
    entry: ListEntry,
    tags: Vec<Hash>,
    /// Number of its page.
    page: usize,
    said: Access,
}

impl Listed {
    fn read(page: usize, access: &Access, own: &Own) -> Result<Self, AccessesError> {
        let path = access.path.iter().map(|hash| array(hash)).collect::<Result<_, _>>()?;
        let (content, tags) = match access.display() {
            AccessDisplay::Shown => shown(access, &own.tags)?,
            display if may_be_hidden(display, access, own.audience) => hidden(access, &own.tags)?,
            _ => return Err(AccessesError::Display),
        };
        if tags.is_empty() {
            return Err(AccessesError::Chains);
        }
        Ok(Self { entry: ListEntry { index: access.index, path, content }, tags, page, said: access.clone() })
    }
}

fn shown(access: &Access, tags: &[Hash]) -> Result<(Content, Vec<Hash>), ProofError> {
    let chain = opening(access.chain.as_ref().ok_or(ProofError::Incomplete)?)?;
    let body = ChainBody::decode(&chain.body).map_err(|_| ProofError::Incomplete)?;
    let own = body.links.iter().map(|link| *link.tag()).filter(|tag| tags.contains(tag)).collect();
    let shown = Shown { leaf: access.leaf.clone(), chain, detail: None, subject: None };
    Ok((Content::Shown(Box::new(shown)), own))
}

fn hidden(access: &Access, tags: &[Hash]) -> Result<(Content, Vec<Hash>), ProofError> {
    let tag = usize::try_from(access.tag).ok().and_then(|tag| tags.get(tag)).copied();
    Ok((Content::Withheld { leaf_hash: array(&access.leaf_hash)? }, tag.into_iter().collect()))
}

/// From the person nothing is hidden without a date and a provision of law.
fn may_be_hidden(display: AccessDisplay, access: &Access, audience: Audience) -> bool {
    match (display, audience) {
        (AccessDisplay::Withheld, _) => access.withheld_until.is_some() && !access.withheld_ground.is_empty(),
        (AccessDisplay::Sealed, audience) => audience == Audience::Guardian,
        (AccessDisplay::Erased, _) => true,
        (AccessDisplay::Shown | AccessDisplay::Unspecified, _) => false,
    }
}

/// Whether the newest page begins below where the one before ended.
fn goes_down(pages: &[ListMyAccessesResponse]) -> bool {
    let [.., before, newest] = pages else { return true };
    let first = newest.accesses.first().map(|access| access.index);
    first.is_some_and(|first| before.accesses.last().is_none_or(|last| first < last.index))
}

/// Entries a page.
const PAGE: u32 = 100;
