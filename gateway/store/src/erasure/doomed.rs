//! Entries as an erasure finds them: with their parts still open.

use pmh_audit::{ChainBody, Hash, Kind, Leaf, Opening};

use super::ErasedEntry;
use crate::{
    Fault,
    db::Row,
    reader::{signed, unsigned},
    search::Sealed,
    sequencer::Tx,
};

/// An entry that is to lose its parts.
pub(super) struct Doomed {
    pub(super) index: u64,
    pub(super) leaf: Leaf,
    pub(super) leaf_hash: Hash,
    /// Of the key that seals the parts; `None` if they are gone.
    pub(super) key_id: Option<[u8; 16]>,
    pub(super) openings: Option<Vec<Opening>>,
}

impl Doomed {
    /// All entries of these chains, in the order of the log.
    pub(super) async fn of_chains(tx: &mut Tx, tags: &[[u8; 32]]) -> Result<Vec<Self>, Fault> {
        let mut found = Vec::new();
        for tag in tags {
            for row in tx.fetch(OF_CHAIN, vec![tag.into()]).await? {
                found.push(Self::read(tx, &row)?);
            }
        }
        found.sort_unstable_by_key(|entry| entry.index);
        // A look at one's own list stands in every chain that it listed.
        found.dedup_by_key(|entry| entry.index);
        Ok(found)
    }

    /// One entry; `None` if the log has not come there.
    pub(super) async fn at(tx: &mut Tx, index: u64) -> Result<Option<Self>, Fault> {
        let Ok(place) = signed(index) else { return Ok(None) };
        let row = tx.fetch_one(ONE, vec![place.into()]).await?;
        row.map(|row| Self::read(tx, &row)).transpose()
    }

    /// The next entries from an index on whose parts are there, at most `limit`.
    pub(super) async fn from(tx: &mut Tx, index: u64, limit: i64) -> Result<Vec<Self>, Fault> {
        let rows = tx.fetch(FROM, vec![signed(index)?.into(), limit.into()]).await?;
        rows.iter().map(|row| Self::read(tx, row)).collect()
    }

    fn read(tx: &Tx, row: &Row) -> Result<Self, Fault> {
        let index = unsigned(row.int(0)?)?;
        let leaf = Leaf::decode(&row.bytes(1)?)
            .map_err(|_| Fault::Inconsistent { table: "log_entry", column: "leaf" })?;
        let key_id = row.optional_bytes(3)?.map(<[u8; 16]>::try_from).transpose();
        let key_id = key_id.map_err(|_| Fault::Inconsistent { table: "audit_part", column: "key_id" })?;
        let openings = Sealed::read(row, 3)?.open(&tx.keys, index)?;
        Ok(Self { index, leaf, leaf_hash: row.array(2, "log_entry")?, key_id, openings })
    }

    /// Chains that the entry stands in; none if it is about nobody, or nobody can tell any more.
    pub(super) fn tags(&self) -> Vec<Hash> {
        let chain = self.openings.as_ref().and_then(|openings| openings.get(CHAIN));
        let body = chain.and_then(|chain| ChainBody::decode(&chain.body).ok());
        body.map(|body| body.links.iter().map(|link| *link.tag()).collect()).unwrap_or_default()
    }

    /// Erasing serves the person whom an entry is about. What organizations and auditors did is not theirs to erase, and
    /// the record of an erasure least of all.
    pub(super) fn may_be_erased_alone(&self) -> bool {
        !self.tags().is_empty() && self.leaf.kind != Kind::Erasure
    }

    pub(super) fn erased(&self) -> ErasedEntry {
        ErasedEntry { index: self.index, leaf_hash: self.leaf_hash }
    }
}

/// The chain part among an entry's openings.
const CHAIN: usize = 1;

const OF_CHAIN: &str = "SELECT e.idx, e.leaf, e.leaf_hash, p.key_id, p.parts, k.wrapped_key
     FROM subject_ix x
     JOIN log_entry e ON e.idx = x.idx
     LEFT JOIN audit_part p ON p.idx = e.idx
     LEFT JOIN subject_key k ON k.key_id = p.key_id
     WHERE x.subject_tag = $1";
const ONE: &str = "SELECT e.idx, e.leaf, e.leaf_hash, p.key_id, p.parts, k.wrapped_key
     FROM log_entry e
     LEFT JOIN audit_part p ON p.idx = e.idx
     LEFT JOIN subject_key k ON k.key_id = p.key_id
     WHERE e.idx = $1";
const FROM: &str = "SELECT e.idx, e.leaf, e.leaf_hash, p.key_id, p.parts, k.wrapped_key
     FROM audit_part p
     JOIN log_entry e ON e.idx = p.idx
     LEFT JOIN subject_key k ON k.key_id = p.key_id
     WHERE p.idx >= $1 ORDER BY p.idx LIMIT $2";
