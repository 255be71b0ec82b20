//! The whole log for an auditor's own mirror (audit.md §2.8), page by page.

use pmh_audit::{Hash, Kind, Leaf, registry, tree::leaf_hash};
use pmh_proto::common::Reason;
use pmh_store::{Page, Recorded};

use super::{Log, sign};
use crate::{
    ops::{Call, Gateway, Response, unavailable},
    rpc::status::Refusal,
};

/// What is asked for.
#[derive(Debug, Clone, Copy)]
pub struct ExportQuery {
    /// Which log.
    pub log: Log,
    /// First index.
    pub from_index: u64,
    /// Size of a tree that was signed; `None`: the newest.
    pub tree_size: Option<u64>,
    /// Earlier checkpoints at most.
    pub max_checkpoints: u32,
}

/// An export on its way: a tree that stays the same, and how far it was told.
#[derive(Debug)]
pub struct Export {
    log: Log,
    tree_size: u64,
    /// Told in the first page.
    checkpoint: Option<String>,
    next: u64,
    thinning: Thinning,
}

/// One page.
#[derive(Debug, Clone)]
pub struct Exported {
    /// The tree.
    pub tree_size: u64,
    /// Its checkpoint, in the first page.
    pub checkpoint: Option<String>,
    /// Index of the first entry.
    pub first_index: u64,
    /// Leaves; outside the auditor's jurisdiction their hashes alone.
    pub entries: Vec<Result<Vec<u8>, Hash>>,
    /// Earlier checkpoints at sizes within the page.
    pub checkpoints: Vec<String>,
}

impl Export {
    /// Fixes the tree.
    pub async fn begin(gateway: &Gateway, query: &ExportQuery) -> Result<Self, Refusal> {
        let reader = gateway.reader(query.log);
        let (newest, newest_root) = reader.head().await.map_err(|fault| unavailable(&fault))?;
        let wrong = |field| Refusal::invalid_fields(vec![]).with_field(field, Reason::Value);
        let (tree_size, root) = match query.tree_size {
            None if newest == 0 => return Err(Refusal::new(Reason::NotFound)),
            None => (newest, newest_root),
            // Only what was committed and signed once is signed again.
            Some(size) if size <= newest => {
                let root = reader.root(size).await.map_err(|fault| unavailable(&fault))?;
                (size, root.ok_or_else(|| wrong("tree_size"))?)
            }
            Some(_) => return Err(wrong("tree_size")),
        };
        if query.from_index >= tree_size {
            return Err(wrong("from_index"));
        }
        let checkpoint = Some(sign(gateway, query.log, tree_size, root)?);
        let thinning = Thinning::new(tree_size, query.max_checkpoints);
        Ok(Self { log: query.log, tree_size, checkpoint, next: query.from_index, thinning })
    }

    /// The next page, recorded; `None` after the last one.
    pub async fn page<R: Response>(
        &mut self,
        gateway: &Gateway,
        call: &Call,
        render: impl Fn(&Exported) -> R + Send + 'static,
    ) -> Result<Option<Recorded<R>>, Refusal> {
        if self.next >= self.tree_size {
            return Ok(None);
        }
        let page = self.read(gateway, call).await?;
        let call = call.clone();
        let recorded = gateway
            .store
            .disclose(gateway.attempt(), None, move |_, _| {
                let response = render(&page);
                let draft =
                    call.draft(Kind::AuditorQuery, registry::Categories::AUDIT, None, response.digest());
                (response, Some(draft))
            })
            .await
            .map_err(|fault| unavailable(&fault))?;
        Ok(Some(recorded))
    }

    async fn read(&mut self, gateway: &Gateway, call: &Call) -> Result<Exported, Refusal> {
        let reader = gateway.reader(self.log);
        let range = self.next..self.tree_size.min(self.next + u64::from(PAGE));
        let page = Page { from_index: range.start, end_index: range.end, limit: PAGE };
        let stored = reader.entries(&page).await.map_err(|fault| unavailable(&fault))?;
        if stored.len() as u64 != range.end - range.start {
            return Err(Refusal::new(Reason::Internal));
        }
        let jurisdiction = gateway.jurisdictions.of(call.short());
        let shown = |leaf: Vec<u8>| match Leaf::decode(&leaf) {
            Ok(read) if jurisdiction.covers(&read) => Ok(leaf),
            _ => Err(leaf_hash(&leaf)),
        };
        let entries = stored.into_iter().map(|entry| shown(entry.leaf)).collect();
        let mut checkpoints = Vec::new();
        for (size, root) in reader.roots(range.clone()).await.map_err(|fault| unavailable(&fault))? {
            if self.thinning.keeps(size) {
                checkpoints.push(sign(gateway, self.log, size, root)?);
            }
        }
        self.next = range.end;
        let (tree_size, checkpoint) = (self.tree_size, self.checkpoint.take());
        Ok(Exported { tree_size, checkpoint, first_index: range.start, entries, checkpoints })
    }
}

/// One checkpoint in each stretch of the log, the very first among them.
#[derive(Debug)]
pub struct Thinning {
    stretch: Option<u64>,
    last: Option<u64>,
}

impl Thinning {
    /// At most `max` of the checkpoints of a tree.
    pub fn new(tree_size: u64, max: u32) -> Self {
        let stretch = (max > 0).then(|| tree_size.div_ceil(u64::from(max)).max(1));
        Self { stretch, last: None }
    }

    /// Whether the checkpoint at this size stays; sizes come in ascending order.
    pub fn keeps(&mut self, size: u64) -> bool {
        let Some(stretch) = self.stretch else { return false };
        let place = size.saturating_sub(1) / stretch;
        self.last.replace(place) != Some(place)
    }
}

/// Entries of a page: 200 KiB, and one entry of its own in the log.
const PAGE: u32 = 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thinning_keeps_the_first_and_no_more_than_asked() {
        for (tree_size, max) in [(1, 1), (10, 3), (1_000, 1_000), (1_001, 1_000), (123_457, 1_000)] {
            let mut thinning = Thinning::new(tree_size, max);
            let kept: Vec<u64> = (1..=tree_size).filter(|size| thinning.keeps(*size)).collect();
            assert_eq!(kept.first(), Some(&1));
            assert!(kept.len() <= usize::try_from(max).unwrap());
            assert!(kept.len() * 2 >= usize::try_from(tree_size.min(max.into())).unwrap());
        }
        assert!(!Thinning::new(10, 0).keeps(1));
    }
}
