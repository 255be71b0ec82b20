//! The control: the same tables, leaf, tree, settings and signature, but BEGIN … COMMIT for each entry.
//!
//! Not a straw man: one connection that no two callers' statements wait for at once, the store's own settings, prepared
//! statements, the signature outside the lock. It does less than the store: bodies are not sealed, no person's key is
//! made, nothing about the person is loaded. It comes in two kinds, because the store also saves trips between threads:
//! a statement at a time, as everybody writes it, and in three trips like the store's batch.

use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use pmh_audit::part::{Audience, ChainLink};
use pmh_audit::tree::leaf_hash;
use pmh_audit::{
    ChainBody, Checkpoint, Frontier, Hash, Leaf, Opening, Part, Receipt, Salt, SigningKey, SubjectBody,
};
use pmh_store::Draft;
use sqlx::sqlite::{Sqlite, SqliteConnection, SqliteRow};
use sqlx::{ConnectOptions as _, Row as _, SqlSafeStr as _};
use tokio::sync::Mutex;

use super::Drawn;
use crate::clock;

/// How statements reach the database's thread.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Trips {
    /// One by one: nine to an entry.
    Each,
    /// In three pieces of text.
    Three,
}

/// A log of its own.
pub(super) struct Single {
    trips: Trips,
    connection: Mutex<SqliteConnection>,
    signer: SigningKey,
}

impl Single {
    pub(super) async fn open(file: &Path, signer: SigningKey, trips: Trips) -> Result<Self> {
        let mut connection = pmh_store::sqlite_options(file).create_if_missing(true).connect().await?;
        let (_, log, _) = pmh_store::migrations().next().context("the log's tables")?;
        sqlx::raw_sql(log.into_sql_str()).execute(&mut connection).await?;
        let empty = Frontier::default();
        sqlx::query("INSERT INTO log_head (log_id, size, root, frontier, time_us, registry) VALUES (1, 0, ?, ?, 0, 0)")
            .bind(empty.root().to_vec())
            .bind(empty.to_bytes())
            .execute(&mut connection)
            .await?;
        Ok(Self { trips, connection: Mutex::new(connection), signer })
    }

    /// One entry, one commit, one receipt.
    pub(super) async fn append(&self, drawn: &Drawn, draft: Draft) -> Result<Receipt> {
        let mut connection = self.connection.lock().await;
        let staged = append(&mut connection, self.trips, drawn, draft).await?;
        drop(connection);
        let Staged { index, root, leaf, path, subject, detail } = staged;
        let checkpoint =
            Checkpoint::new(self.signer.verifier().name(), index + 1, root)?.sign(&self.signer)?;
        Ok(Receipt { leaf, index, tree_size: index + 1, path, checkpoint, detail, subject: Some(subject) })
    }
}

/// Durable, but not yet signed.
struct Staged {
    index: u64,
    root: Hash,
    leaf: Vec<u8>,
    path: Vec<Hash>,
    subject: Opening,
    detail: Opening,
}

/// The bench ends at its first error, so nothing is rolled back here.
async fn append(
    connection: &mut SqliteConnection,
    trips: Trips,
    drawn: &Drawn,
    draft: Draft,
) -> Result<Staged> {
    let head = match trips {
        Trips::Each => {
            sqlx::query(BEGIN).execute(&mut *connection).await?;
            sqlx::query(HEAD).fetch_one(&mut *connection).await?
        }
        Trips::Three => sqlx::query(BEGIN_WITH_HEAD).fetch_one(&mut *connection).await?,
    };
    let mut frontier = Frontier::from_bytes(head.get(1))?;
    let time_us = clock::now_us().max(head.get(2));
    let EntryOf { reference, sub } = EntryOf::draft(&draft)?;
    let newest =
        sqlx::query(NEWEST_OF_CHAIN).bind(reference.to_vec()).fetch_optional(&mut *connection).await?;
    let (seq, link) = link(reference, newest)?;
    let bodies = [
        SubjectBody::new(sub)?.encode(),
        ChainBody::new(vec![link])?.encode(),
        draft.actor.encode(),
        draft.detail.encode(),
    ];
    let (event_id, openings) = drawn.openings(bodies);
    let leaf = leaf(&draft, u64::try_from(time_us)?, event_id, &openings).encode();
    let hash = leaf_hash(&leaf);
    let index = frontier.size();
    let path = frontier.append(&[hash]).pop().context("a path")?;
    let root = frontier.root();
    let [size, before] = [index + 1, index].map(u64::cast_signed);
    let [subject, chain, actor, detail] = openings;
    let parts =
        [&subject, &chain, &actor, &detail].map(|part| [&part.salt.as_bytes()[..], &part.body].concat());
    let (root_bytes, reference) = (Value::Bytes(root.to_vec()), Value::Bytes(reference.to_vec()));
    let (leaf_bytes, hash) = (Value::Bytes(leaf.clone()), Value::Bytes(hash.to_vec()));
    let (index_value, size, time) = (Value::Int(before), Value::Int(size), Value::Int(time_us));
    let frontier = Value::Bytes(frontier.to_bytes());
    let statements = [
        (ENTRY, vec![index_value.clone(), leaf_bytes, hash]),
        (PART, vec![index_value.clone(), Value::Bytes(event_id.to_vec()), Value::Bytes(parts.concat())]),
        (OF_PERSON, vec![reference, Value::Int(seq), index_value.clone()]),
        (ROOT, vec![size.clone(), root_bytes.clone(), time.clone()]),
        (MOVE_HEAD, vec![size, root_bytes, frontier, time, index_value]),
        (COMMIT, vec![]),
    ];
    run(connection, trips, statements).await?;
    Ok(Staged { index, root, leaf, path, subject, detail })
}

#[derive(Clone)]
enum Value {
    Int(i64),
    Bytes(Vec<u8>),
}

async fn run(
    connection: &mut SqliteConnection,
    trips: Trips,
    statements: [(&'static str, Vec<Value>); 6],
) -> Result<()> {
    let changed = match trips {
        Trips::Each => {
            let mut changed = 0;
            for (sql, values) in statements {
                let done = bound(sqlx::query(sql), values).execute(&mut *connection).await?;
                // SQLite repeats the count of the statement before where a statement changes no rows.
                changed += if sql == COMMIT { 0 } else { done.rows_affected() };
            }
            changed
        }
        Trips::Three => {
            let values = statements.into_iter().flat_map(|(_, values)| values);
            bound(sqlx::query(ALL), values).execute(&mut *connection).await?.rows_affected()
        }
    };
    ensure!(changed >= 5, "the head moved");
    Ok(())
}

fn bound(mut query: Query<'_>, values: impl IntoIterator<Item = Value>) -> Query<'_> {
    for value in values {
        query = match value {
            Value::Int(value) => query.bind(value),
            Value::Bytes(value) => query.bind(value),
        };
    }
    query
}

type Query<'q> = sqlx::query::Query<'q, Sqlite, <Sqlite as sqlx::Database>::Arguments>;

struct EntryOf {
    reference: Hash,
    sub: String,
}

impl EntryOf {
    fn draft(draft: &Draft) -> Result<Self> {
        let subject = draft.subject.as_ref().context("a subject")?;
        Ok(Self { reference: subject.reference, sub: subject.sub.clone() })
    }
}

/// The next link of a person's chain, and its number.
fn link(tag: Hash, newest: Option<SqliteRow>) -> Result<(i64, ChainLink)> {
    let Some(newest) = newest else { return Ok((1, ChainLink::first(Audience::Person, tag))) };
    let seq = newest.get::<i64, _>(0) + 1;
    let previous: Hash = newest.get::<&[u8], _>(1).try_into()?;
    Ok((seq, ChainLink::after(Audience::Person, tag, u64::try_from(seq)?, previous)?))
}

impl Drawn {
    fn openings(&self, bodies: [Vec<u8>; 4]) -> ([u8; 16], [Opening; 4]) {
        let mut drawn = self.0.into_iter();
        let event_id = std::array::from_fn(|_| drawn.next().unwrap_or_default());
        let openings = bodies.map(|body| {
            let salt = std::array::from_fn(|_| drawn.next().unwrap_or_default());
            Opening { salt: Salt::new(salt), body }
        });
        (event_id, openings)
    }
}

fn leaf(draft: &Draft, time_us: u64, event_id: [u8; 16], openings: &[Opening; 4]) -> Leaf {
    let [subject, chain, actor, detail] = openings;
    Leaf {
        kind: draft.kind,
        time_us,
        event_id,
        method: draft.method,
        purpose: draft.purpose,
        outcome: draft.outcome,
        categories: draft.categories,
        holder: draft.holder.clone(),
        requester: draft.requester.clone(),
        refs: draft.references.clone(),
        subject: subject.commitment(Part::Subject),
        chain: chain.commitment(Part::Chain),
        actor: actor.commitment(Part::Actor),
        detail: detail.commitment(Part::Detail),
    }
}

const NEWEST_OF_CHAIN: &str = "SELECT x.seq, e.leaf_hash FROM subject_ix x JOIN log_entry e ON e.idx = x.idx
     WHERE x.subject_tag = ? ORDER BY x.seq DESC LIMIT 1";

/// The statements, each alone and in the texts that take them together.
macro_rules! statements {
    ($($name:ident $sql:literal)*) => {
        $(const $name: &str = $sql;)*
        const ALL: &str = concat!($($sql, ";"),*);
    };
}

statements! {
    ENTRY "INSERT INTO log_entry (idx, leaf, leaf_hash) VALUES (?, ?, ?)"
    PART "INSERT INTO audit_part (idx, key_id, parts) VALUES (?, ?, ?)"
    OF_PERSON "INSERT INTO subject_ix (subject_tag, seq, idx) VALUES (?, ?, ?)"
    ROOT "INSERT INTO log_root (size, root, time_us) VALUES (?, ?, ?)"
    MOVE_HEAD "UPDATE log_head SET size = ?, root = ?, frontier = ?, time_us = ? WHERE log_id = 1 AND size = ?"
    COMMIT "COMMIT"
}

const BEGIN: &str = "BEGIN IMMEDIATE";
const HEAD: &str = "SELECT size, frontier, time_us FROM log_head WHERE log_id = 1";
const BEGIN_WITH_HEAD: &str =
    "BEGIN IMMEDIATE; SELECT size, frontier, time_us FROM log_head WHERE log_id = 1";
