//! At start: the stored log is the log it says it is.

use pmh_audit::{
    Frontier, Hash,
    tree::{empty_root, leaf_hash, root_of},
};

use super::{
    Head, Sequencer,
    batch::{HEAD, sign, signed},
};
use crate::{Fault, Role, gateway::Registry};

impl Sequencer {
    /// At start: an empty log gets its head; a filled one must be whole, as far
    /// as its newest rows tell. [`Reader::check`](crate::Reader::check) reads all.
    pub(super) async fn found_or_check(&mut self) -> Result<(), Fault> {
        self.tx.connection.begin().await?;
        let outcome = self.found_or_check_inside().await;
        match outcome {
            Ok(()) => self.tx.connection.commit().await,
            Err(fault) => {
                self.tx.connection.rollback().await?;
                Err(fault)
            }
        }
    }

    async fn found_or_check_inside(&mut self) -> Result<(), Fault> {
        self.tx
            .execute(
                "INSERT INTO log_head (log_id, size, root, frontier, time_us, registry)
                 VALUES (1, 0, $1, $2, 0, 1) ON CONFLICT (log_id) DO NOTHING",
                vec![empty_root().into(), Frontier::default().to_bytes().into()],
            )
            .await?;
        let locking = format!("{HEAD}{}", self.tx.connection.for_update());
        let row = self.tx.fetch_one(&locking, vec![]).await?;
        let head = self.head_of(row)?;
        // A key that cannot sign is found now, not after the first commit.
        sign(&self.signer, head.frontier.size(), head.root)?;
        self.check_newest(&head).await?;
        if self.role == Role::Gateway {
            self.registry = std::sync::Arc::new(Registry::load(&mut self.tx).await?);
            self.publish.send_replace(std::sync::Arc::clone(&self.registry));
        }
        self.head = Some(head);
        Ok(())
    }

    /// The newest rows must be those that the head was made of: the root row of
    /// this size, no entry beyond it, each leaf its hash, and those hashes the
    /// subtrees of the frontier that they cover.
    async fn check_newest(&mut self, head: &Head) -> Result<(), Fault> {
        let size = head.frontier.size();
        let roots =
            self.tx.fetch("SELECT size, root FROM log_root ORDER BY size DESC LIMIT 1", vec![]).await?;
        let newest_root = match roots.first() {
            Some(row) => Some((row.int(0)?, row.array(1, "log_root")?)),
            None => None,
        };
        if newest_root != (size > 0).then_some((signed(size)?, head.root)) {
            return Err(Fault::Inconsistent { table: "log_root", column: "root" });
        }
        let rows = self
            .tx
            .fetch("SELECT idx, leaf, leaf_hash FROM log_entry ORDER BY idx DESC LIMIT 1024", vec![])
            .await?;
        if rows.len() as u64 != size.min(1024) {
            return Err(Fault::Inconsistent { table: "log_entry", column: "idx" });
        }
        let mut hashes = Vec::with_capacity(rows.len());
        for (row, expected) in rows.iter().zip((0..size).rev()) {
            let hash = leaf_hash(&row.bytes(1)?);
            if row.int(0)? != signed(expected)? || hash.as_slice() != row.bytes(2)? {
                return Err(Fault::Inconsistent { table: "log_entry", column: "leaf" });
            }
            hashes.push(hash);
        }
        hashes.reverse();
        if agrees(&head.frontier, &hashes) {
            Ok(())
        } else {
            Err(Fault::Inconsistent { table: "log_entry", column: "leaf_hash" })
        }
    }
}

/// Whether the newest leaf hashes make those subtrees of the frontier that lie
/// within them. The frontier's bytes are its size and one root per set bit.
fn agrees(frontier: &Frontier, newest: &[Hash]) -> bool {
    let bytes = frontier.to_bytes();
    let (subtrees, _) = bytes.get(8..).unwrap_or_default().as_chunks::<32>();
    let (mut rest, mut size) = (newest, frontier.size());
    for subtree in subtrees.iter().rev() {
        let width = 1_u64 << size.trailing_zeros();
        let before = usize::try_from(width).ok().and_then(|width| rest.len().checked_sub(width));
        let Some((older, covered)) = before.and_then(|before| rest.split_at_checked(before)) else {
            return true;
        };
        if root_of(covered) != *subtree {
            return false;
        }
        rest = older;
        size -= width;
    }
    true
}
