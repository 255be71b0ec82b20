//! The walk down a list, one page at a time.

use super::{Access, Content, ListEntry, ListError, ListPage, Place, Record, Shown};
use crate::leaf::{Kind, Leaf};
use crate::note::{Checkpoint, VerifierKey};
use crate::part::{Audience, ChainBody, ChainLink, DetailBody, Opening, Part, SubjectBody};
use crate::tree::{Hash, leaf_hash, verify_inclusion};

/// Verifies a list from its newest entry downwards.
///
/// After an error the walk is over: what came before it verified, what comes after proves nothing.
#[derive(Debug)]
pub struct Walk {
    key: VerifierKey,
    tag: Hash,
    next: Next,
    audience: Option<Audience>,
    /// Index and time of the entry above.
    above: Option<(u64, Option<u64>)>,
}

/// Where a list was left off: what the next page must begin with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cut {
    /// Number of the next entry.
    pub seq: u64,
    /// Its leaf hash; `None` below a withheld entry, whose link is not shown.
    pub leaf_hash: Option<Hash>,
}

#[derive(Debug, Clone, Copy)]
enum Next {
    /// The entry of the call itself.
    Own(Hash),
    /// An entry that the one above names.
    Older(Cut),
    /// Nothing: number 1 is behind.
    End,
}

impl Walk {
    /// A walk that must begin with the entry whose leaf hash is `own`, along the sequence of `tag`.
    pub fn new(key: VerifierKey, tag: Hash, own: Hash) -> Self {
        Self { key, tag, next: Next::Own(own), audience: None, above: None }
    }

    /// Verifies the next page and gives what its entries say, newest first.
    pub fn page(&mut self, page: &ListPage) -> Result<Vec<Access>, ListError> {
        let place = self.place();
        let checkpoint = Checkpoint::open(page.checkpoint.as_bytes(), &self.key)
            .map_err(|source| ListError::Checkpoint { place, source })?;
        if checkpoint.size() != page.tree_size {
            return Err(ListError::TreeSize(place));
        }
        page.entries.iter().map(|entry| self.entry(entry, &checkpoint)).collect()
    }

    /// What the next page must begin with; `None` before the first page and after number 1.
    pub fn cut(&self) -> Option<Cut> {
        match self.next {
            Next::Older(cut) => Some(cut),
            Next::Own(_) | Next::End => None,
        }
    }

    /// Ends the walk. Fails unless number 1 was reached, and tells whose sequence it was.
    pub fn finish(self) -> Result<Audience, ListError> {
        match (self.next, self.audience) {
            (Next::End, Some(audience)) => Ok(audience),
            (Next::Older(cut), _) => Err(ListError::Missing { from: 1, to: cut.seq }),
            (Next::Own(_) | Next::End, _) => Err(ListError::NewestMissing),
        }
    }

    fn entry(&mut self, entry: &ListEntry, checkpoint: &Checkpoint) -> Result<Access, ListError> {
        let place = self.place();
        let access = match &entry.content {
            Content::Shown(shown) => self.shown(entry.index, shown)?,
            Content::Withheld { leaf_hash } => self.withheld(entry.index, *leaf_hash)?,
        };
        verify_inclusion(entry.index, checkpoint.size(), &access.leaf_hash, &entry.path, checkpoint.root())
            .map_err(|source| ListError::TreePath { place, source })?;
        self.below(&access, place)?;
        Ok(access)
    }

    fn shown(&mut self, index: u64, shown: &Shown) -> Result<Access, ListError> {
        let place = self.place();
        let hash = leaf_hash(&shown.leaf);
        if !self.is_next(&hash) {
            return Err(self.stranger(shown));
        }
        let leaf = Leaf::decode(&shown.leaf).map_err(|source| ListError::Leaf { place, source })?;
        let link = open_link(&leaf, shown, &self.tag).map_err(|fault| fault.at(place))?;
        self.expect_link(&leaf, &link, place)?;
        self.next = match link.previous() {
            Some(previous) => Next::Older(Cut { seq: link.seq() - 1, leaf_hash: Some(*previous) }),
            None => Next::End,
        };
        let detail = open_detail(&leaf, shown.detail.as_ref(), place)?;
        let subject = open_subject(&leaf, shown.subject.as_ref(), place)?;
        let record = Some(Record { leaf, detail, subject });
        Ok(Access { seq: link.seq(), index, leaf_hash: hash, record })
    }

    fn withheld(&mut self, index: u64, hash: Hash) -> Result<Access, ListError> {
        let seq = match self.next {
            // The law delays what others did, never one's own look.
            Next::Own(_) => return Err(ListError::NewestMissing),
            Next::End => return Err(ListError::BelowFirst),
            Next::Older(cut) if !self.is_next(&hash) => return Err(ListError::Replaced(Place::Seq(cut.seq))),
            Next::Older(cut) => cut.seq,
        };
        self.next = match seq - 1 {
            0 => Next::End,
            seq => Next::Older(Cut { seq, leaf_hash: None }),
        };
        Ok(Access { seq, index, leaf_hash: hash, record: None })
    }

    /// Whether an entry with this leaf hash may come next, as far as the hash tells.
    fn is_next(&self, hash: &Hash) -> bool {
        match self.next {
            Next::Own(own) => own == *hash,
            Next::Older(cut) => cut.leaf_hash.is_none_or(|expected| expected == *hash),
            Next::End => false,
        }
    }

    /// Why an entry that is not the next one stands here, told by its own number if it has one.
    fn stranger(&self, shown: &Shown) -> ListError {
        let seq = match self.next {
            Next::Own(_) => return ListError::NewestMissing,
            Next::End => return ListError::BelowFirst,
            Next::Older(cut) => cut.seq,
        };
        let link = Leaf::decode(&shown.leaf).ok().and_then(|leaf| open_link(&leaf, shown, &self.tag).ok());
        match link {
            Some(link) => out_of_place(seq, link.seq()).unwrap_or(ListError::Replaced(Place::Seq(seq))),
            None => ListError::Replaced(Place::Seq(seq)),
        }
    }

    fn expect_link(&mut self, leaf: &Leaf, link: &ChainLink, place: Place) -> Result<(), ListError> {
        match self.next {
            Next::Own(_) if leaf.kind != Kind::CitizenQuery => return Err(ListError::NewestKind),
            Next::Older(cut) => out_of_place(cut.seq, link.seq()).map_or(Ok(()), Err)?,
            Next::Own(_) | Next::End => {}
        }
        if *self.audience.get_or_insert(link.audience()) == link.audience() {
            Ok(())
        } else {
            Err(ListError::NoLink(place))
        }
    }

    /// Down the list, indices fall and times do not rise.
    fn below(&mut self, access: &Access, place: Place) -> Result<(), ListError> {
        let time = access.record.as_ref().map(|record| record.leaf.time_us);
        let (index_above, time_above) = self.above.unwrap_or((u64::MAX, None));
        if access.index >= index_above || time.zip(time_above).is_some_and(|(time, above)| time > above) {
            return Err(ListError::LogOrder(place));
        }
        self.above = Some((access.index, time.or(time_above)));
        Ok(())
    }

    fn place(&self) -> Place {
        match self.next {
            Next::Own(_) => Place::Newest,
            Next::Older(cut) => Place::Seq(cut.seq),
            Next::End => Place::Seq(1),
        }
    }
}

/// What an entry's number says if it is not the expected one.
fn out_of_place(expected: u64, found: u64) -> Option<ListError> {
    match found.cmp(&expected) {
        std::cmp::Ordering::Less => Some(ListError::Missing { from: found + 1, to: expected }),
        std::cmp::Ordering::Greater => Some(ListError::OutOfOrder { expected, found }),
        std::cmp::Ordering::Equal => None,
    }
}

enum LinkFault {
    Opening,
    NoLink,
}

impl LinkFault {
    fn at(self, place: Place) -> ListError {
        match self {
            Self::Opening => ListError::ChainOpening(place),
            Self::NoLink => ListError::NoLink(place),
        }
    }
}

/// The one link of this tag. The other links belong to other audiences' lists.
fn open_link(leaf: &Leaf, shown: &Shown, tag: &Hash) -> Result<ChainLink, LinkFault> {
    if !shown.chain.opens(Part::Chain, &leaf.chain) {
        return Err(LinkFault::Opening);
    }
    let body = ChainBody::decode(&shown.chain.body).map_err(|_| LinkFault::Opening)?;
    let mut links = body.links.iter().filter(|link| link.tag() == tag);
    match (links.next(), links.next()) {
        (Some(link), None) => Ok(link.clone()),
        _ => Err(LinkFault::NoLink),
    }
}

fn open_detail(
    leaf: &Leaf,
    opening: Option<&Opening>,
    place: Place,
) -> Result<Option<DetailBody>, ListError> {
    let Some(opening) = opening else { return Ok(None) };
    if !opening.opens(Part::Detail, &leaf.detail) {
        return Err(ListError::DetailOpening(place));
    }
    DetailBody::decode(&opening.body).map(Some).map_err(|_| ListError::DetailOpening(place))
}

fn open_subject(
    leaf: &Leaf,
    opening: Option<&Opening>,
    place: Place,
) -> Result<Option<SubjectBody>, ListError> {
    let Some(opening) = opening else { return Ok(None) };
    if !opening.opens(Part::Subject, &leaf.subject) {
        return Err(ListError::SubjectOpening(place));
    }
    // The empty body is how an entry about no person is committed.
    if opening.body.is_empty() {
        return Ok(None);
    }
    SubjectBody::decode(&opening.body).map(Some).map_err(|_| ListError::SubjectOpening(place))
}
