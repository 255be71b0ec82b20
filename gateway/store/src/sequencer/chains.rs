//! Whose lists an entry about a person goes into, and where each list stands.
//!
//! One chain per audience: the person, and each guardian for whom a municipality verified the relation. So a guardian's
//! list of what happened about the child is complete by itself, and ends when the relation ends.

use std::collections::HashMap;

use pmh_audit::{
    Hash,
    part::{Audience, ChainLink},
};

use super::{
    Job, Sequencer,
    batch::{UNENCODABLE, signed},
    taken::Decided,
};
use crate::{Attempt, EntrySubject, Fault, Role, db::Value, seal::SealingKey};

/// Where a chain stands.
pub(super) struct Chain {
    pub(super) seq: u64,
    pub(super) previous: Hash,
    /// Seals the person's parts; a guardian's chain has none, its entries are the child's.
    pub(super) key: Option<SealingKey>,
}

/// A guardian's list takes the entries about a child from one entry to another.
#[derive(Clone)]
pub(super) struct Guardian {
    pub(super) tag: [u8; 32],
    /// Last day of the relation.
    until: String,
    from_index: i64,
    /// -1 while in force.
    end_index: i64,
}

impl Chain {
    /// The next link.
    pub(super) fn link(&mut self, audience: Audience, tag: [u8; 32]) -> Result<ChainLink, Fault> {
        let link = if self.seq == 0 {
            ChainLink::first(audience, tag)
        } else {
            ChainLink::after(audience, tag, self.seq + 1, self.previous).map_err(|_| UNENCODABLE)?
        };
        self.seq += 1;
        Ok(link)
    }
}

impl Guardian {
    /// The same relation in another issuer's words: the list is one, and as long as the longer of the two.
    fn join(&mut self, other: Self) {
        let is_over = self.end_index >= 0 && other.end_index >= 0;
        self.end_index = if is_over { self.end_index.max(other.end_index) } else { -1 };
        self.from_index = self.from_index.min(other.from_index);
        if other.until > self.until {
            self.until = other.until;
        }
    }

    /// The entry that ends a relation is the last of its list.
    pub(super) fn takes(&self, index: i64, today: &str) -> bool {
        let is_over = self.end_index >= 0 && index > self.end_index;
        index >= self.from_index && !is_over && self.until.as_str() >= today
    }
}

impl Sequencer {
    /// Guardians of the batch's persons, as far as they are not remembered.
    pub(super) async fn load_guardians(
        &mut self,
        decided: &[Option<Decided>],
        size: u64,
    ) -> Result<(), Fault> {
        if self.role == Role::Auth {
            return Ok(());
        }
        let about = decided.iter().flatten().filter_map(unbuilt);
        let unknown = self.known.without_guardians(about.map(|subject| subject.reference));
        let keys = unknown.iter().map(Value::from).collect();
        let rows = self.tx.connection.fetch_in(GUARDIANS, &[signed(size)?.into()], keys).await?;
        let mut found: HashMap<[u8; 32], Vec<Guardian>> = HashMap::new();
        for row in rows {
            let tag = self.tx.keys.guardian_tag(&row.array(1, "guardian")?, &row.array(2, "guardian")?);
            let guardian =
                Guardian { tag, until: row.text(3)?, from_index: row.int(4)?, end_index: row.int(5)? };
            let guardians = found.entry(row.array(0, "subject_alias")?).or_default();
            // Two issuers may have verified the same relation; the list is one.
            match guardians.iter_mut().find(|known| known.tag == tag) {
                Some(known) => known.join(guardian),
                None => guardians.push(guardian),
            }
        }
        self.known.learn_guardians(unknown, found);
        Ok(())
    }

    /// Reads the chains that the batch may need and nobody remembers, in one statement. Gives the keys that are new.
    pub(super) async fn load_chains(
        &mut self,
        jobs: &[Box<dyn Job>],
        decided: &[Option<Decided>],
    ) -> Result<Vec<SealingKey>, Fault> {
        let mut wanted: HashMap<[u8; 32], New> = HashMap::new();
        for (job, subject) in
            jobs.iter().zip(decided).filter_map(|(job, it)| Some((job, unbuilt(it.as_ref()?)?)))
        {
            for (tag, new) in self.possible(job.attempt(), subject) {
                if !self.known.knows_chain(&tag) {
                    wanted.entry(tag).or_insert(new).prefer(new);
                }
            }
        }
        let mut new_keys = Vec::new();
        let tags = wanted.keys().map(Value::from).collect();
        for row in self.tx.connection.fetch_in(NEWEST_OF_CHAINS, &[], tags).await? {
            let tag: [u8; 32] = row.array(0, "subject_ix")?;
            let Some(new) = wanted.remove(&tag) else { continue };
            // A destroyed key means the person was erased; the chain goes on under a new key.
            let key = match (new, row.optional_bytes(3)?, row.optional_bytes(4)?) {
                (New::WithoutKey, ..) => None,
                (New::Never, None, _) | (New::Never, _, None) => continue,
                (_, Some(id), Some(wrapped)) => {
                    let id = id.try_into().map_err(|_| WRONG_KEY_ID)?;
                    Some(SealingKey::unwrap(&self.tx.keys, id, &wrapped)?)
                }
                (new, ..) => new.key(&mut new_keys),
            };
            let seq = u64::try_from(row.int(1)?)
                .map_err(|_| Fault::Inconsistent { table: "subject_ix", column: "seq" })?;
            self.known.learn_chain(tag, Chain { seq, previous: row.array(2, "log_entry")?, key });
        }
        for (tag, new) in wanted.into_iter().filter(|(_, new)| !matches!(new, New::Never)) {
            let key = new.key(&mut new_keys);
            self.known.learn_chain(tag, Chain { seq: 0, previous: [0; 32], key });
        }
        Ok(new_keys)
    }

    /// Every chain that an entry about this person may take a place in, and what becomes of it if it is new.
    fn possible<'a>(&self, attempt: &'a Attempt, subject: &EntrySubject) -> Vec<([u8; 32], New<'a>)> {
        let guardians = self.known.guardians(&subject.reference);
        let keys = &self.tx.keys;
        std::iter::once((keys.subject_tag(&subject.reference), New::WithKey(attempt)))
            .chain(subject.also.iter().map(|reference| (keys.subject_tag(reference), New::Never)))
            .chain(guardians.iter().map(|guardian| (guardian.tag, New::WithoutKey)))
            .collect()
    }
}

/// Whom an entry is about that is still to be built.
fn unbuilt(decided: &Decided) -> Option<&EntrySubject> {
    decided.draft.subject.as_ref().filter(|_| decided.built.is_none())
}

/// What becomes of a chain that does not exist yet.
#[derive(Clone, Copy)]
enum New<'a> {
    WithKey(&'a Attempt),
    WithoutKey,
    /// A further chain of the same person is closed by an entry, never begun by it.
    Never,
}

impl New<'_> {
    /// A person's own entry may begin a chain that another entry would only close.
    fn prefer(&mut self, other: Self) {
        if matches!((&*self, &other), (Self::Never, Self::WithKey(_))) {
            *self = other;
        }
    }

    /// The key of a chain that begins or goes on under a new one, which is to be kept.
    fn key(self, new_keys: &mut Vec<SealingKey>) -> Option<SealingKey> {
        let Self::WithKey(attempt) = self else { return None };
        let key = SealingKey::new(attempt.new_key_id, attempt.new_key);
        new_keys.push(key.clone());
        Some(key)
    }
}

/// Guardians of every reference that is the same person; those whose list ended before this batch are left out.
const GUARDIANS: &str = "SELECT asked.subject_ref, g.child, g.guardian, g.until, g.from_idx, g.end_idx
     FROM subject_alias asked
     JOIN subject_alias one ON one.survivor = asked.survivor
     JOIN guardian g ON g.child = one.subject_ref
     WHERE (g.end_idx < 0 OR g.end_idx >= $1) AND asked.subject_ref IN ({keys})";

/// The newest entry of each chain, and the key that seals the person's parts.
const NEWEST_OF_CHAINS: &str = "WITH wanted (tag) AS (VALUES {rows})
     SELECT x.subject_tag, x.seq, e.leaf_hash, p.key_id, k.wrapped_key
     FROM wanted
     JOIN subject_ix x ON x.subject_tag = wanted.tag
      AND x.seq = (SELECT MAX(n.seq) FROM subject_ix n WHERE n.subject_tag = wanted.tag)
     JOIN log_entry e ON e.idx = x.idx
     LEFT JOIN audit_part p ON p.idx = x.idx
     LEFT JOIN subject_key k ON k.key_id = p.key_id";

const WRONG_KEY_ID: Fault = Fault::Inconsistent { table: "audit_part", column: "key_id" };
