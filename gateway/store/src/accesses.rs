//! "Who looked at my data?": the lists of a person and of each guardian.
//!
//! A list is read without a lock, on the reader's own snapshot; the look-up is then recorded, and takes the next place in
//! every chain that it listed. Whoever lists compares the two and reads again if something came between, so the newest
//! end of what is sent is the look-up's own entry.

mod delay;
mod guardians;
mod presented;
mod questions;

pub use guardians::GuardianChange;
pub use questions::{Answered, Question, QuestionState, Questioned, StoredQuestion};

use hmac::{Hmac, KeyInit as _, Mac as _};
use pmh_audit::Opening;
use sha2::Sha256;

use crate::{
    Attempt, Concluding, Conclusion, Fault, GatewayStore, Reader, Recorded, Reply, StoreKeys, SubjectRef,
    seal::SealingKey,
    sequencer::{BoxFuture, Lane, Transaction, Tx},
};

/// The chains that one reader may list, and who the reader is.
#[derive(Clone, PartialEq, Eq)]
pub struct Chains {
    tags: Vec<[u8; 32]>,
    /// Further references of the person whose chains are among these.
    also: Vec<SubjectRef>,
    /// Keyed tags of the reader, the present one first: several references may be one person.
    readers: Vec<[u8; 32]>,
    is_guardian: bool,
}

/// A page of a list, newest first.
#[derive(Debug, Clone, Default)]
pub struct AccessPage {
    /// Newest first.
    pub items: Vec<AccessItem>,
    /// Number of the newest entry below the bound, in the order of the tags.
    pub newest: Vec<u64>,
    /// Index to go on below; `None` at the end.
    pub next: Option<u64>,
}

/// One entry of a list.
#[derive(Debug, Clone)]
pub struct AccessItem {
    /// Index.
    pub index: u64,
    /// The leaf.
    pub leaf: Vec<u8>,
    /// Its hash.
    pub leaf_hash: [u8; 32],
    /// Position of its chain among the tags; of the first, if it is in several.
    pub tag: usize,
    /// Opening of the chain part; `None` if it was erased.
    pub chain: Option<Opening>,
    /// Until when the law delays its display, and by which provision.
    pub delay: Option<(i64, String)>,
    /// Whose look-up it is, if it is one.
    pub reader: ReadBy,
    /// What this reader has asked about it.
    pub question: Option<QuestionState>,
}

/// Whose look-up an entry is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReadBy {
    /// It is no look-up at this list.
    Nobody,
    /// This reader's own.
    Oneself,
    /// The person's or another guardian's.
    Another,
}

impl Chains {
    /// The tags, as they stand in the chain parts.
    pub fn tags(&self) -> &[[u8; 32]] {
        &self.tags
    }

    /// Further references of the person, whose chains the look-up closes.
    pub fn also(&self) -> &[SubjectRef] {
        &self.also
    }

    /// The tag under which this reader's look-ups are kept.
    fn reader(&self) -> [u8; 32] {
        self.readers.first().copied().unwrap_or_default()
    }

    fn is_reader(&self, tag: &[u8]) -> bool {
        self.readers.iter().any(|reader| reader == tag)
    }

    /// Whether a guardian reads about a child.
    pub fn is_guardian(&self) -> bool {
        self.is_guardian
    }
}

impl std::fmt::Debug for Chains {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Chains").field("is_guardian", &self.is_guardian).finish_non_exhaustive()
    }
}

impl GatewayStore {
    /// Records a look at a list, and whose it was.
    pub async fn note_access<R: Send + 'static>(
        &self,
        attempt: Attempt,
        chains: &Chains,
        conclude: impl FnMut(Concluding<'_, ()>) -> Conclusion<R> + Send + 'static,
    ) -> Result<Recorded<Reply<R>>, Fault> {
        self.write(Lane::Interactive, attempt, None, Noted { reader: chains.reader() }, conclude).await
    }
}

struct Noted {
    reader: [u8; 32],
}

impl Transaction for Noted {
    type Outcome = ();

    fn run<'a>(&'a self, tx: &'a mut Tx) -> BoxFuture<'a, Result<(), Fault>> {
        Box::pin(async move { tx.note_reader(&self.reader).await })
    }
}

impl Tx {
    /// The entry that this operation will have is this reader's.
    async fn note_reader(&mut self, reader: &[u8; 32]) -> Result<(), Fault> {
        let index = signed(self.next_index)?;
        self.execute(
            "INSERT INTO access_reader (idx, reader) VALUES ($1, $2)",
            vec![index.into(), reader.into()],
        )
        .await
        .map(drop)
    }
}

impl Reader {
    /// The chains of everything recorded about a person, under whichever reference.
    pub async fn chains_of_person(&self, person: SubjectRef) -> Result<Chains, Fault> {
        let group = self.group(person).await?;
        self.chains_of(person, &group).await
    }

    /// The same in this database's log, of a person whose references are known: auth does not know them.
    pub async fn chains_of(&self, person: SubjectRef, group: &[SubjectRef]) -> Result<Chains, Fault> {
        let mut also = Vec::new();
        let mut tags = vec![self.keys.subject_tag(&person)];
        let mut readers = tags.clone();
        for other in group.iter().filter(|other| **other != person) {
            let tag = self.keys.subject_tag(other);
            readers.push(tag);
            if self.is_begun(&tag).await? {
                tags.push(tag);
                also.push(*other);
            }
        }
        Ok(Chains { tags, also, readers, is_guardian: false })
    }

    /// A guardian's chains about a child; `None` unless a relation is in force on that day.
    pub async fn chains_of_guardian(
        &self,
        child: SubjectRef,
        guardian: SubjectRef,
        today: &str,
    ) -> Result<Option<Chains>, Fault> {
        let guardians = self.group(guardian).await?;
        let mut tags = Vec::new();
        for child in self.group(child).await? {
            for known in self.guardians_of(child, today).await? {
                let tag = self.keys.guardian_tag(&child, &known);
                if guardians.contains(&known) && !tags.contains(&tag) {
                    tags.push(tag);
                }
            }
        }
        let others = guardians.iter().filter(|other| **other != guardian);
        let readers =
            std::iter::once(&guardian).chain(others).map(|one| self.keys.subject_tag(one)).collect();
        Ok((!tags.is_empty()).then_some(Chains { tags, also: Vec::new(), readers, is_guardian: true }))
    }

    /// A page of a list: entries with an index below `below`, newest first.
    pub async fn accesses(&self, chains: &Chains, below: u64, limit: usize) -> Result<AccessPage, Fault> {
        let places = self.places(chains, below, limit).await?;
        let mut items = Vec::with_capacity(places.found.len());
        for (index, tag) in places.found {
            items.push(self.access(chains, index, tag).await?);
        }
        Ok(AccessPage { items, newest: places.newest, next: places.next })
    }

    /// Where the entries of a page are.
    async fn places(&self, chains: &Chains, below: u64, limit: usize) -> Result<Places, Fault> {
        let mut found: Vec<(u64, usize)> = Vec::new();
        let mut newest = Vec::with_capacity(chains.tags.len());
        for (number, tag) in chains.tags.iter().enumerate() {
            let rows = self
                .fetch(PLACES, vec![tag.into(), signed(below)?.into(), signed(limit as u64 + 1)?.into()])
                .await?;
            newest.push(rows.first().map_or(Ok(0), |row| unsigned(row.int(0)?))?);
            for row in rows {
                found.push((unsigned(row.int(1)?)?, number));
            }
        }
        found.sort_unstable_by_key(|&(index, tag)| (std::cmp::Reverse(index), tag));
        found.dedup_by_key(|(index, _)| *index);
        let is_last = found.len() <= limit;
        found.truncate(limit);
        let next = found.last().map(|(index, _)| *index).filter(|_| !is_last);
        Ok(Places { found, newest, next })
    }

    async fn access(&self, chains: &Chains, index: u64, tag: usize) -> Result<AccessItem, Fault> {
        // One row for each question about the entry, at least one.
        let rows = self.fetch(ONE_ACCESS, vec![signed(index)?.into()]).await?;
        let row = rows.first().ok_or(Fault::Inconsistent { table: "log_entry", column: "idx" })?;
        let chain = match (row.optional_bytes(2)?, row.optional_bytes(3)?, row.optional_bytes(4)?) {
            (Some(id), Some(parts), Some(wrapped)) if !parts.is_empty() => {
                let id = id
                    .try_into()
                    .map_err(|_| Fault::Inconsistent { table: "audit_part", column: "key_id" })?;
                let key = SealingKey::unwrap(&self.keys, id, &wrapped)?;
                key.open_parts(index, &parts)?.into_iter().nth(CHAIN)
            }
            _ => None,
        };
        let reader = match row.optional_bytes(5)? {
            None => ReadBy::Nobody,
            Some(reader) if chains.is_reader(&reader) => ReadBy::Oneself,
            Some(_) => ReadBy::Another,
        };
        let delay = match row.int(6)? {
            0 => None,
            until_us => Some((until_us, row.text(7)?)),
        };
        let mut question = None;
        for row in &rows {
            if row.optional_bytes(14)?.is_some_and(|reader| chains.is_reader(&reader)) {
                let answer = self.text(row, 10)?;
                question = Some(QuestionState { due_us: row.int(8)?, answered_us: row.int(9)?, answer });
            }
        }
        let leaf_hash = row.array(1, "log_entry")?;
        Ok(AccessItem { index, leaf: row.bytes(0)?, leaf_hash, tag, chain, delay, reader, question })
    }

    /// Opening of an entry's chain part; `None` if it was erased.
    pub async fn chain_of(&self, index: u64) -> Result<Option<Opening>, Fault> {
        let part = self.part(index, CHAIN_NUMBER).await?;
        Ok(part.map(|(salt, body)| Opening { salt: salt.into(), body }))
    }

    /// Every reference of the same person.
    pub async fn group(&self, person: SubjectRef) -> Result<Vec<SubjectRef>, Fault> {
        let rows = self
            .fetch(
                "SELECT one.subject_ref FROM subject_alias asked
                 JOIN subject_alias one ON one.survivor = asked.survivor
                 WHERE asked.subject_ref = $1",
                vec![person.into()],
            )
            .await?;
        let mut group =
            rows.iter().map(|row| row.array(0, "subject_alias")).collect::<Result<Vec<_>, _>>()?;
        if !group.contains(&person) {
            group.push(person);
        }
        Ok(group)
    }

    /// Whether a chain has a newest entry whose key has not been destroyed.
    async fn is_begun(&self, tag: &[u8; 32]) -> Result<bool, Fault> {
        let rows = self
            .fetch(
                "SELECT k.key_id FROM subject_ix x
                 JOIN audit_part p ON p.idx = x.idx
                 JOIN subject_key k ON k.key_id = p.key_id
                 WHERE x.subject_tag = $1 ORDER BY x.seq DESC LIMIT 1",
                vec![tag.into()],
            )
            .await?;
        Ok(!rows.is_empty())
    }
}

impl StoreKeys {
    /// Tag of a guardian's chain about a child.
    pub(crate) fn guardian_tag(&self, child: &SubjectRef, guardian: &SubjectRef) -> [u8; 32] {
        // HMAC takes a key of any length, so the constructor cannot refuse this one.
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&self.index) else { return [0; 32] };
        // A person's own tag is over 32 bytes: the two never meet.
        mac.update(b"guardian");
        mac.update(child);
        mac.update(guardian);
        mac.finalize().into_bytes().into()
    }
}

/// Entries of a page by index and the position of their chain; the rest as in [`AccessPage`].
struct Places {
    found: Vec<(u64, usize)>,
    newest: Vec<u64>,
    next: Option<u64>,
}

/// The newest places of one chain below an index.
const PLACES: &str =
    "SELECT seq, idx FROM subject_ix WHERE subject_tag = $1 AND idx < $2 ORDER BY seq DESC LIMIT $3";

/// An entry with all that is to be known about it by one reader. A missing row reads as 0 or empty.
const ONE_ACCESS: &str = "SELECT e.leaf, e.leaf_hash, p.key_id, p.parts, k.wrapped_key, r.reader,
        COALESCE(d.until_us, 0), COALESCE(d.ground, ''),
        COALESCE(q.due_us, 0), COALESCE(q.answered_us, 0), q.answer, q.key_id, qk.wrapped_key, q.question_id, q.reader
     FROM log_entry e
     LEFT JOIN audit_part p ON p.idx = e.idx
     LEFT JOIN subject_key k ON k.key_id = p.key_id
     LEFT JOIN access_reader r ON r.idx = e.idx
     LEFT JOIN access_delay d ON d.idx = e.idx
     LEFT JOIN access_question q ON q.entry_idx = e.idx
     LEFT JOIN subject_key qk ON qk.key_id = q.key_id
     WHERE e.idx = $1";

/// The chain part among an entry's openings, and its number.
const CHAIN: usize = 1;
const CHAIN_NUMBER: u8 = 2;

pub(crate) fn signed(value: u64) -> Result<i64, Fault> {
    i64::try_from(value).map_err(|_| Fault::Inconsistent { table: "log_entry", column: "idx" })
}

pub(crate) fn unsigned(value: i64) -> Result<u64, Fault> {
    u64::try_from(value).map_err(|_| Fault::Inconsistent { table: "log_entry", column: "idx" })
}
