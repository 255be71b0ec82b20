//! At start: the stored log is the log it says it is.

use pmh_audit::{
    Frontier, Hash,
    tree::{empty_root, leaf_hash, root_of},
};

use super::{
    Head, Sequencer,
    batch::{HEAD, sign, signed},
};
use crate::{Fault, Role, db::Value, gateway::Registry, tiles::StoredTile};

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
        self.check_last_signed().await?;
        self.check_newest_tiles(head.frontier.size()).await?;
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

impl Sequencer {
    /// The tree whose checkpoint this machine signed last must still be there (I12). A smaller one was refused when the
    /// head was read.
    async fn check_last_signed(&mut self) -> Result<(), Fault> {
        let Some((size, root)) = self.last.known() else { return Ok(()) };
        let row = self
            .tx
            .fetch_one("SELECT root FROM log_root WHERE size = $1", vec![signed(size)?.into()])
            .await?;
        match row {
            Some(row) if row.bytes(0)? == root => Ok(()),
            _ => Err(Fault::Rewritten { signed: size }),
        }
    }

    /// The newest tile of each level must be what is below it, and no tile may stand where the tree is not yet.
    async fn check_newest_tiles(&mut self, size: u64) -> Result<(), Fault> {
        let mut level = 0_u8;
        loop {
            let full = size.checked_shr(8 * (u32::from(level) + 1)).unwrap_or(0);
            let newest = self
                .tx
                .fetch_one(
                    "SELECT tile_root, hashes, n FROM log_tile WHERE level = $1 ORDER BY n DESC LIMIT 1",
                    vec![i64::from(level).into()],
                )
                .await?;
            match newest {
                None if full == 0 => return Ok(()),
                None => {}
                Some(row) if row.int(2)? >= signed(full)? => return Err(WRONG_TILE),
                Some(row) => self.check_tile(level, row.int(2)?, &StoredTile::read(&row)?).await?,
            }
            level += 1;
        }
    }

    async fn check_tile(&mut self, level: u8, n: i64, tile: &StoredTile) -> Result<(), Fault> {
        let first = n.checked_mul(256).ok_or(WRONG_TILE)?;
        let places = [first, first.saturating_add(256)].map(Value::from);
        let below = match level.checked_sub(1) {
            None => {
                let leaves = "SELECT leaf_hash FROM log_entry WHERE idx >= $1 AND idx < $2 ORDER BY idx";
                self.tx.fetch(leaves, places.to_vec()).await?
            }
            Some(below) => {
                let roots =
                    "SELECT tile_root FROM log_tile WHERE n >= $1 AND n < $2 AND level = $3 ORDER BY n";
                self.tx.fetch(roots, [places.as_slice(), &[i64::from(below).into()]].concat()).await?
            }
        };
        let below: Vec<Hash> =
            below.iter().map(|row| row.array(0, "log_tile")).collect::<Result<_, Fault>>()?;
        // Where tiles below were lost, the scrubber decides; at start only what can be read at once is.
        let is_known = below.len() == tile.hashes.len();
        if tile.root != root_of(&tile.hashes) || (is_known && below != tile.hashes) {
            return Err(WRONG_TILE);
        }
        Ok(())
    }
}

const WRONG_TILE: Fault = Fault::Inconsistent { table: "log_tile", column: "hashes" };

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
