//! Erasure: the parts of entries are destroyed, the entries stay.
//!
//! An erasure is an entry (kind 8), committed in the one transaction that destroys: neither happens without the
//! other. Leaves, hashes and roots are not touched, so every proof of before holds (audit.md §2.11). What a transaction
//! cannot do, to clean the database's own files and to follow in the other log, is written down in it and done
//! after it, as often as it takes ([`traces`]).
//!
//! *A person* goes with everything: parts, index, and the key that sealed them, so that copies in backups open no more.
//! The chain of their entries then begins again at 1 with the erasure itself. *An entry* loses its parts alone; its place
//! in the person's list stays, so that no list has a silent gap.

mod doomed;
mod holds;
mod request;
mod retention;
mod traces;

use std::collections::BTreeSet;

use pmh_audit::Hash;

pub use request::{ErasureAsked, ErasureRequest, NewErasure, ToErase};
pub use retention::{Retained, RetentionStep};

use crate::{
    Attempt, AuthStore, Concluding, Conclusion, Fault, GatewayStore, Idempotency, Reader, Recorded, Reply,
    Role, SubjectRef,
    db::Value,
    reader::{signed, unsigned},
    search::{OF_THE_LOG, marks_of},
    sequencer::{BoxFuture, Lane, Transaction, Tx},
};
use doomed::Doomed;
use holds::Holds;

pub use holds::{Held, LegalHold, Released};

/// What became of an erasure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Erasing {
    /// Nobody can open these any more, in the order of the log.
    Done(Vec<ErasedEntry>),
    /// Holds forbid it: the leaf hashes of their own entries.
    Held(Vec<Hash>),
    /// The entry's parts were erased before, by this entry.
    Before(u64),
    /// There is no such entry.
    Unknown,
    /// The entry serves no person, or is itself the record of an erasure: only its period ends it.
    NotErasable,
    /// The request was not made, has ended, or was carried out.
    NotAsked,
}

/// An entry whose parts are gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ErasedEntry {
    /// Index.
    pub index: u64,
    /// Hash of its leaf, which stays.
    pub leaf_hash: Hash,
}

impl GatewayStore {
    /// Carries out a request to erase, if it is still open and no legal hold forbids it.
    pub async fn erase<R: Send + 'static>(
        &self,
        attempt: Attempt,
        idempotency: Idempotency,
        erasure_id: String,
        what: ToErase,
        conclude: impl FnMut(Concluding<'_, Erasing>) -> Conclusion<R> + Send + 'static,
    ) -> Result<Recorded<Reply<R>>, Fault> {
        let erase = match what {
            ToErase::Person(person) => Erase::Person { role: Role::Gateway, references: vec![person] },
            ToErase::Entry(index) => Erase::Entry(index),
        };
        let agreed = Agreed { erasure_id, erase };
        self.write(Lane::Interactive, attempt, Some(idempotency), agreed, conclude).await
    }
}

impl AuthStore {
    /// The other half of a person's erasure: what this log says about all of these references. Done twice it finds
    /// nothing the second time, and needs no entry for that.
    pub async fn erase_person<R: Send + 'static>(
        &self,
        attempt: Attempt,
        references: Vec<SubjectRef>,
        conclude: impl FnMut(Concluding<'_, Erasing>) -> Conclusion<R> + Send + 'static,
    ) -> Result<Recorded<Reply<R>>, Fault> {
        self.write(attempt, Erase::Person { role: Role::Auth, references }, conclude).await
    }
}

impl Reader {
    /// The entry by which an entry's parts were erased; `None` if they were not, or nobody knows by which.
    pub async fn erased_by(&self, index: u64) -> Result<Option<u64>, Fault> {
        let sql = "SELECT erased_by FROM erased WHERE idx = $1";
        let row = self.fetch_one(sql, vec![signed(index)?.into()]).await?;
        row.map(|row| unsigned(row.int(0)?)).transpose()
    }
}

/// An erasure that two people have agreed on.
struct Agreed {
    erasure_id: String,
    erase: Erase,
}

enum Erase {
    /// Under these references and, in the gateway's database, every other one of the same person.
    Person {
        role: Role,
        references: Vec<SubjectRef>,
    },
    Entry(u64),
}

impl Transaction for Agreed {
    type Outcome = Erasing;

    fn run<'a>(&'a self, tx: &'a mut Tx) -> BoxFuture<'a, Result<Erasing, Fault>> {
        Box::pin(async move {
            let found = match self.erase.find(tx).await? {
                Ok(found) => found,
                Err(refused) => return Ok(refused),
            };
            if !tx.carry_out(&self.erasure_id).await? {
                return Ok(Erasing::NotAsked);
            }
            found.destroy(tx).await
        })
    }
}

impl Transaction for Erase {
    type Outcome = Erasing;

    fn run<'a>(&'a self, tx: &'a mut Tx) -> BoxFuture<'a, Result<Erasing, Fault>> {
        Box::pin(async move {
            match self.find(tx).await? {
                Ok(found) => found.destroy(tx).await,
                Err(refused) => Ok(refused),
            }
        })
    }
}

/// What an erasure falls on.
enum Found {
    Person { role: Role, references: Vec<SubjectRef>, entries: Vec<Doomed> },
    Entry(Box<Doomed>),
}

impl Erase {
    async fn find(&self, tx: &mut Tx) -> Result<Result<Found, Erasing>, Fault> {
        match self {
            Self::Person { role, references } => find_person(tx, *role, references).await,
            Self::Entry(index) => find_entry(tx, *index).await,
        }
    }
}

async fn find_person(
    tx: &mut Tx,
    role: Role,
    references: &[SubjectRef],
) -> Result<Result<Found, Erasing>, Fault> {
    let mut everybody: BTreeSet<SubjectRef> = references.iter().copied().collect();
    if role == Role::Gateway {
        for reference in references {
            for row in tx.fetch(SAME_PERSON, vec![reference.into()]).await? {
                everybody.insert(row.array(0, "subject_alias")?);
            }
        }
    }
    let references: Vec<SubjectRef> = everybody.into_iter().collect();
    let tags: Vec<[u8; 32]> = references.iter().map(|reference| tx.keys.subject_tag(reference)).collect();
    let entries = Doomed::of_chains(tx, &tags).await?;
    let held = Holds::load(tx).await?.on(&tags, entries.iter().map(|entry| entry.index));
    Ok(if held.is_empty() {
        Ok(Found::Person { role, references, entries })
    } else {
        Err(Erasing::Held(held))
    })
}

async fn find_entry(tx: &mut Tx, index: u64) -> Result<Result<Found, Erasing>, Fault> {
    let Some(entry) = Doomed::at(tx, index).await? else { return Ok(Err(Erasing::Unknown)) };
    if let Some(erased_by) = tx.erased_by(index).await? {
        return Ok(Err(Erasing::Before(erased_by)));
    }
    let tags = entry.tags();
    if !entry.may_be_erased_alone() {
        return Ok(Err(Erasing::NotErasable));
    }
    let held = Holds::load(tx).await?.on(&tags, [index]);
    Ok(if held.is_empty() { Ok(Found::Entry(Box::new(entry))) } else { Err(Erasing::Held(held)) })
}

impl Found {
    async fn destroy(self, tx: &mut Tx) -> Result<Erasing, Fault> {
        match self {
            Self::Entry(entry) => {
                tx.record_erasure(std::slice::from_ref(&*entry)).await?;
                tx.empty_parts(Role::Gateway, std::slice::from_ref(&*entry)).await?;
                Ok(Erasing::Done(vec![entry.erased()]))
            }
            Self::Person { role, references, entries } => {
                tx.record_erasure(&entries).await?;
                tx.destroy_person(role, &references, &entries).await?;
                Ok(Erasing::Done(entries.iter().map(Doomed::erased).collect()))
            }
        }
    }
}

impl Tx {
    /// Which entry erased each, the marks that must outlive the parts they were read from, and what the files still hold.
    async fn record_erasure(&mut self, entries: &[Doomed]) -> Result<(), Fault> {
        let by = signed(self.next_index)?;
        let (mut erased, mut marks) = (Vec::new(), Vec::new());
        for entry in entries {
            let index = signed(entry.index)?;
            erased.push(vec![index.into(), by.into()]);
            let bears = marks_of(&self.keys, &entry.leaf, entry.openings.as_deref());
            marks.extend(bears.into_iter().map(|mark| vec![Value::from(mark), index.into()]));
        }
        let connection = &mut self.connection;
        // An entry that was erased before stays with the entry that did it.
        connection.insert("INSERT INTO erased (idx, erased_by)", ONCE, erased).await?;
        connection.insert("INSERT INTO search_mark (mark, idx)", ONCE, marks).await?;
        connection.insert("INSERT INTO erasure_trace (erased_by)", ONCE, vec![vec![by.into()]]).await?;
        Ok(())
    }

    /// The row of the parts stays without them: the newest one leads to the key of the person's chain.
    async fn empty_parts(&mut self, role: Role, entries: &[Doomed]) -> Result<(), Fault> {
        let indexes = indexes(entries)?;
        let nothing = Value::Bytes(Vec::new());
        self.in_chunks("UPDATE audit_part SET parts = $1 WHERE idx IN", &[nothing], indexes.clone()).await?;
        self.delete_beside(role, indexes).await
    }

    async fn destroy_person(
        &mut self,
        role: Role,
        references: &[SubjectRef],
        entries: &[Doomed],
    ) -> Result<(), Fault> {
        let mut tags: BTreeSet<[u8; 32]> =
            references.iter().map(|reference| self.keys.subject_tag(reference)).collect();
        if role == Role::Gateway {
            self.delete_searches(references).await?;
            for child in references {
                for row in self.fetch(GUARDIANS, vec![child.into()]).await? {
                    tags.insert(self.keys.guardian_tag(child, &row.array(0, "guardian")?));
                }
            }
        }
        let keys: BTreeSet<[u8; 16]> =
            entries.iter().filter_map(|entry| entry.key_id).filter(|id| *id != OF_THE_LOG).collect();
        let (keys, tags) = (keys.iter().map(Value::from), tags.iter().map(Value::from));
        self.in_chunks("DELETE FROM subject_key WHERE key_id IN", &[], keys.collect()).await?;
        self.in_chunks("DELETE FROM subject_ix WHERE subject_tag IN", &[], tags.collect()).await?;
        let indexes = indexes(entries)?;
        self.in_chunks("DELETE FROM audit_part WHERE idx IN", &[], indexes.clone()).await?;
        self.delete_beside(role, indexes).await
    }

    /// What stands beside an entry for its list: who looked, until when it is delayed, questions and their answers.
    async fn delete_beside(&mut self, role: Role, indexes: Vec<Value>) -> Result<(), Fault> {
        if role == Role::Auth {
            return Ok(());
        }
        self.in_chunks("DELETE FROM access_reader WHERE idx IN", &[], indexes.clone()).await?;
        self.in_chunks("DELETE FROM access_delay WHERE idx IN", &[], indexes.clone()).await?;
        self.in_chunks("DELETE FROM access_question WHERE entry_idx IN", &[], indexes).await
    }

    async fn erased_by(&mut self, index: u64) -> Result<Option<u64>, Fault> {
        let sql = "SELECT erased_by FROM erased WHERE idx = $1";
        let row = self.fetch_one(sql, vec![signed(index)?.into()]).await?;
        row.map(|row| unsigned(row.int(0)?)).transpose()
    }

    /// `<head> (…)` over all keys, some at a time.
    async fn in_chunks(&mut self, head: &str, fixed: &[Value], keys: Vec<Value>) -> Result<(), Fault> {
        for chunk in keys.chunks(KEYS_A_STATEMENT) {
            let places: Vec<String> =
                (1..=chunk.len()).map(|place| format!("${}", fixed.len() + place)).collect();
            let sql = format!("{head} ({})", places.join(", "));
            self.execute(&sql, [fixed, chunk].concat()).await?;
        }
        Ok(())
    }
}

fn indexes(entries: &[Doomed]) -> Result<Vec<Value>, Fault> {
    entries.iter().map(|entry| Ok(signed(entry.index)?.into())).collect()
}

const ONCE: &str = "ON CONFLICT DO NOTHING";
const KEYS_A_STATEMENT: usize = 64;
const SAME_PERSON: &str = "SELECT one.subject_ref FROM subject_alias asked
     JOIN subject_alias one ON one.survivor = asked.survivor WHERE asked.subject_ref = $1";
/// Guardians whose lists took entries about a child, also those whose relation has ended.
const GUARDIANS: &str = "SELECT DISTINCT guardian FROM guardian WHERE child = $1";
