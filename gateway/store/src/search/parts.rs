//! An entry's parts, sealed and opened.

use pmh_audit::Opening;

use crate::{Fault, Reader, StoreKeys, db::Row, reader::signed, seal::SealingKey};

impl Reader {
    /// The openings of all four parts, in the order of the leaf; `None` if they were erased.
    pub async fn openings(&self, index: u64) -> Result<Option<Vec<Opening>>, Fault> {
        let row = self
            .fetch_one(
                "SELECT p.key_id, p.parts, k.wrapped_key FROM audit_part p
                 LEFT JOIN subject_key k ON k.key_id = p.key_id WHERE p.idx = $1",
                vec![signed(index)?.into()],
            )
            .await?;
        row.map_or(Ok(None), |row| Sealed::read(&row, 0)?.open(&self.keys, index))
    }
}

/// Parts as stored, and the key that seals them. Nothing, if they were erased or not read.
#[derive(Default)]
pub(crate) struct Sealed {
    key_id: Option<Vec<u8>>,
    parts: Option<Vec<u8>>,
    wrapped_key: Option<Vec<u8>>,
}

impl Sealed {
    /// From three columns: key id, parts, wrapped key; each NULL if it was erased, parts also empty.
    pub(crate) fn read(row: &Row, first: usize) -> Result<Self, Fault> {
        Ok(Self {
            key_id: row.optional_bytes(first)?,
            parts: row.optional_bytes(first + 1)?,
            wrapped_key: row.optional_bytes(first + 2)?,
        })
    }

    /// The openings; `None` if row or key were destroyed.
    pub(crate) fn open(&self, keys: &StoreKeys, index: u64) -> Result<Option<Vec<Opening>>, Fault> {
        let (Some(key_id), Some(parts)) = (&self.key_id, &self.parts) else { return Ok(None) };
        if parts.is_empty() {
            return Ok(None);
        }
        let key_id: [u8; 16] = key_id.as_slice().try_into().map_err(|_| WRONG_KEY_ID)?;
        let key = match (key_id, &self.wrapped_key) {
            (OF_THE_LOG, _) => SealingKey::of_log(keys),
            (_, Some(wrapped)) => SealingKey::unwrap(keys, key_id, wrapped)?,
            (_, None) => return Ok(None),
        };
        key.open_parts(index, parts).map(Some)
    }
}

/// Id of the key that seals what belongs to no person.
pub(crate) const OF_THE_LOG: [u8; 16] = [0; 16];
const WRONG_KEY_ID: Fault = Fault::Inconsistent { table: "audit_part", column: "key_id" };
