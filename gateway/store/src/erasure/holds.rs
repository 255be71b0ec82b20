//! Legal holds: what a court or an auditor still needs is not erased, whoever asks and whatever its age.

use std::collections::{BTreeSet, HashMap};

use pmh_audit::Hash;

use super::{Doomed, SAME_PERSON, ToErase};
use crate::{
    Attempt, Concluding, Conclusion, Fault, GatewayStore, Idempotency, Reader, Recorded, Reply, SubjectRef,
    reader::{signed, unsigned},
    sequencer::{BoxFuture, Lane, Transaction, Tx},
};

/// A hold to be put.
#[derive(Debug, Clone)]
pub struct LegalHold {
    /// UUID.
    pub hold_id: String,
    /// Who puts it and alone may release it, `<kind>:<code>`.
    pub organization: String,
    /// What it covers: everything about a person, also what is still to come; or one entry.
    pub what: ToErase,
}

/// What became of a hold that was to be put.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Held {
    /// It is in force.
    Kept,
    /// The entry has nothing left to hold: it was erased, or was never there.
    Nothing,
}

/// What became of a hold that was to be released.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Released {
    /// It is over; the leaf hash of the entry that put it.
    Done(Hash),
    /// This organization has no such hold.
    Unknown,
}

impl GatewayStore {
    /// Puts a hold. It covers a person under every reference that is known to be the same now.
    pub async fn put_legal_hold<R: Send + 'static>(
        &self,
        attempt: Attempt,
        idempotency: Idempotency,
        hold: LegalHold,
        conclude: impl FnMut(Concluding<'_, Held>) -> Conclusion<R> + Send + 'static,
    ) -> Result<Recorded<Reply<R>>, Fault> {
        self.write(Lane::Interactive, attempt, Some(idempotency), hold, conclude).await
    }

    /// Releases one of an organization's own holds.
    pub async fn release_legal_hold<R: Send + 'static>(
        &self,
        attempt: Attempt,
        idempotency: Idempotency,
        organization: String,
        hold_id: String,
        conclude: impl FnMut(Concluding<'_, Released>) -> Conclusion<R> + Send + 'static,
    ) -> Result<Recorded<Reply<R>>, Fault> {
        let release = Release { organization, hold_id };
        self.write(Lane::Interactive, attempt, Some(idempotency), release, conclude).await
    }
}

impl Reader {
    /// Whether any person is held. The other log knows persons by tags of its own, so it cannot tell whom.
    pub async fn holds_anybody(&self) -> Result<bool, Fault> {
        Ok(self.fetch_one("SELECT hold_id FROM held_person LIMIT 1", vec![]).await?.is_some())
    }

    /// The holds on a person, who may have several references: the leaf hashes of their own entries.
    pub async fn holds_on(&self, references: &[SubjectRef]) -> Result<Vec<Hash>, Fault> {
        let mut found = BTreeSet::new();
        for reference in references {
            for row in self.fetch(HOLDS_ON, vec![self.keys.subject_tag(reference).into()]).await? {
                found.insert((row.int(0)?, row.array(1, "log_entry")?));
            }
        }
        Ok(found.into_iter().map(|(_, leaf_hash)| leaf_hash).collect())
    }
}

/// All holds in force. They are few, and each erasure asks for all of them.
pub(super) struct Holds {
    people: HashMap<[u8; 32], Vec<u64>>,
    entries: HashMap<u64, Vec<u64>>,
    /// Leaf hash of each hold's own entry.
    hashes: HashMap<u64, Hash>,
}

impl Holds {
    pub(super) async fn load(tx: &mut Tx) -> Result<Self, Fault> {
        let mut holds = Self { people: HashMap::new(), entries: HashMap::new(), hashes: HashMap::new() };
        for row in tx.fetch(HELD_PEOPLE, vec![]).await? {
            let put = unsigned(row.int(1)?)?;
            holds.people.entry(row.array(0, "held_person")?).or_default().push(put);
            holds.hashes.insert(put, row.array(2, "log_entry")?);
        }
        for row in tx.fetch(HELD_ENTRIES, vec![]).await? {
            let put = unsigned(row.int(1)?)?;
            holds.entries.entry(unsigned(row.int(0)?)?).or_default().push(put);
            holds.hashes.insert(put, row.array(2, "log_entry")?);
        }
        Ok(holds)
    }

    /// The holds on any of these chains or entries, oldest first.
    pub(super) fn on(&self, tags: &[[u8; 32]], entries: impl IntoIterator<Item = u64>) -> Vec<Hash> {
        let people = tags.iter().filter_map(|tag| self.people.get(tag)).flatten();
        let entries = entries.into_iter().filter_map(|index| self.entries.get(&index)).flatten();
        let found: BTreeSet<u64> = people.chain(entries).copied().collect();
        found.iter().filter_map(|put| self.hashes.get(put)).copied().collect()
    }
}

impl Transaction for LegalHold {
    type Outcome = Held;
    const TOUCHES_PERSONS: bool = false;

    fn run<'a>(&'a self, tx: &'a mut Tx) -> BoxFuture<'a, Result<Held, Fault>> {
        Box::pin(async move {
            let id = self.hold_id.as_str();
            match &self.what {
                ToErase::Entry(index) => {
                    let entry = Doomed::at(tx, *index).await?;
                    if entry.is_none_or(|entry| entry.openings.is_none()) {
                        return Ok(Held::Nothing);
                    }
                    let values = vec![id.into(), signed(*index)?.into()];
                    tx.execute("INSERT INTO held_entry (hold_id, idx) VALUES ($1, $2)", values).await?;
                }
                ToErase::Person(person) => {
                    let mut everybody = BTreeSet::from([*person]);
                    for row in tx.fetch(SAME_PERSON, vec![person.into()]).await? {
                        everybody.insert(row.array(0, "subject_alias")?);
                    }
                    for reference in everybody {
                        let values = vec![id.into(), tx.keys.subject_tag(&reference).into()];
                        tx.execute("INSERT INTO held_person (hold_id, subject_tag) VALUES ($1, $2)", values)
                            .await?;
                    }
                }
            }
            let own = signed(tx.next_index)?;
            tx.execute(
                "INSERT INTO legal_hold (hold_id, organization, put_idx) VALUES ($1, $2, $3)",
                vec![id.into(), self.organization.as_str().into(), own.into()],
            )
            .await?;
            Ok(Held::Kept)
        })
    }
}

struct Release {
    organization: String,
    hold_id: String,
}

impl Transaction for Release {
    type Outcome = Released;
    const TOUCHES_PERSONS: bool = false;

    fn run<'a>(&'a self, tx: &'a mut Tx) -> BoxFuture<'a, Result<Released, Fault>> {
        Box::pin(async move {
            let id = self.hold_id.as_str();
            let found = tx.fetch_one(OWN_HOLD, vec![id.into(), self.organization.as_str().into()]).await?;
            let Some(row) = found else { return Ok(Released::Unknown) };
            for sql in FORGET {
                tx.execute(sql, vec![id.into()]).await?;
            }
            Ok(Released::Done(row.array(0, "log_entry")?))
        })
    }
}

const HELD_PEOPLE: &str = "SELECT held_person.subject_tag, legal_hold.put_idx, e.leaf_hash FROM held_person
     JOIN legal_hold ON legal_hold.hold_id = held_person.hold_id
     JOIN log_entry e ON e.idx = legal_hold.put_idx";
const HOLDS_ON: &str = "SELECT legal_hold.put_idx, e.leaf_hash FROM held_person
     JOIN legal_hold ON legal_hold.hold_id = held_person.hold_id
     JOIN log_entry e ON e.idx = legal_hold.put_idx
     WHERE held_person.subject_tag = $1";
const HELD_ENTRIES: &str = "SELECT held_entry.idx, legal_hold.put_idx, e.leaf_hash FROM held_entry
     JOIN legal_hold ON legal_hold.hold_id = held_entry.hold_id
     JOIN log_entry e ON e.idx = legal_hold.put_idx";
const OWN_HOLD: &str = "SELECT e.leaf_hash FROM legal_hold JOIN log_entry e ON e.idx = legal_hold.put_idx
     WHERE legal_hold.hold_id = $1 AND legal_hold.organization = $2";
const FORGET: [&str; 3] = [
    "DELETE FROM held_person WHERE hold_id = $1",
    "DELETE FROM held_entry WHERE hold_id = $1",
    "DELETE FROM legal_hold WHERE hold_id = $1",
];
