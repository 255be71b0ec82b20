//! The person's list in auth's log: cards presented, tokens issued, presentations refused.
//!
//! Auth knows no guardians' lists, no delays and no questions; the look-up's own entry closes the list as in the other log.

use super::{AccessItem, AccessPage, CHAIN, Chains, ReadBy, signed};
use crate::{
    Attempt, AuthStore, Concluding, Conclusion, Fault, Reader, Recorded, Reply,
    search::Sealed,
    sequencer::{BoxFuture, Transaction, Tx},
};

impl AuthStore {
    /// Records a look at the list.
    pub async fn note_access<R: Send + 'static>(
        &self,
        attempt: Attempt,
        conclude: impl FnMut(Concluding<'_, ()>) -> Conclusion<R> + Send + 'static,
    ) -> Result<Recorded<Reply<R>>, Fault> {
        self.write(attempt, Noted, conclude).await
    }
}

struct Noted;

impl Transaction for Noted {
    type Outcome = ();

    fn run<'a>(&'a self, _: &'a mut Tx) -> BoxFuture<'a, Result<(), Fault>> {
        Box::pin(async { Ok(()) })
    }
}

impl Reader {
    /// A page of that list: entries with an index below `below`, newest first (auth database only).
    pub async fn presentations(
        &self,
        chains: &Chains,
        below: u64,
        limit: usize,
    ) -> Result<AccessPage, Fault> {
        let places = self.places(chains, below, limit).await?;
        let mut items = Vec::with_capacity(places.found.len());
        for (index, tag) in places.found {
            items.push(self.presentation(index, tag).await?);
        }
        Ok(AccessPage { items, newest: places.newest, next: places.next })
    }

    async fn presentation(&self, index: u64, tag: usize) -> Result<AccessItem, Fault> {
        let row = self.fetch_one(ONE_PRESENTATION, vec![signed(index)?.into()]).await?;
        let row = row.ok_or(Fault::Inconsistent { table: "log_entry", column: "idx" })?;
        let openings = Sealed::read(&row, 2)?.open(&self.keys, index)?;
        Ok(AccessItem {
            index,
            leaf: row.bytes(0)?,
            leaf_hash: row.array(1, "log_entry")?,
            tag,
            chain: openings.and_then(|openings| openings.into_iter().nth(CHAIN)),
            delay: None,
            reader: ReadBy::Nobody,
            question: None,
        })
    }
}

const ONE_PRESENTATION: &str = "SELECT e.leaf, e.leaf_hash, p.key_id, p.parts, k.wrapped_key
     FROM log_entry e
     LEFT JOIN audit_part p ON p.idx = e.idx
     LEFT JOIN subject_key k ON k.key_id = p.key_id
     WHERE e.idx = $1";
