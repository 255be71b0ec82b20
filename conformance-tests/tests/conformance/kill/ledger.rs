//! A whole log as an auditor copies it.

use std::collections::HashMap;

use pmh_audit::tree::leaf_hash;
use pmh_audit::{Checkpoint, Frontier, Hash};
use pmh_client::LogReader;
use pmh_client::call::WhichLog;
use pmh_conformance::Target;
use pmh_conformance::counter::organization;
use pmh_proto::audit::{Log, SearchEntriesRequest};

pub(crate) const GATEWAY: WhichLog = WhichLog::Gateway;
pub(crate) const AUTH: WhichLog = WhichLog::Auth;

/// The leaves of a log, and the root at every size.
pub(crate) struct Ledger {
    pub(crate) log: WhichLog,
    leaves: Vec<Hash>,
    roots: HashMap<u64, Hash>,
    newest: Checkpoint,
}

impl Ledger {
    /// Copies a log up to its newest checkpoint, entry by entry.
    pub(crate) async fn read(target: &Target, log: WhichLog) -> Self {
        let gateway = target.gateway(organization::AUDITOR).await.unwrap();
        let newest = LogReader::new(gateway.clone(), log).newest().await.unwrap();
        let number = if log == GATEWAY { Log::Gateway } else { Log::Auth };
        let mut request = SearchEntriesRequest { log: number.into(), page_size: 256, ..Default::default() };
        let mut leaves = Vec::new();
        loop {
            let page = gateway.call(&request, None).await.unwrap().response;
            for entry in page.entries {
                assert_eq!(entry.index, leaves.len() as u64, "an entry is missing or given twice");
                leaves.push(leaf_hash(&entry.leaf));
            }
            request.page_token = page.next_page_token;
            if request.page_token.is_empty() || leaves.len() as u64 >= newest.size() {
                break;
            }
        }
        Self { log, roots: roots(&leaves), leaves, newest }
    }

    /// The newest checkpoint when the copy was begun.
    pub(crate) fn newest(&self) -> &Checkpoint {
        &self.newest
    }

    /// Number of leaves copied.
    pub(crate) fn size(&self) -> usize {
        self.leaves.len()
    }

    /// Whether the log holds this leaf at this index.
    pub(crate) fn holds(&self, leaf: &Hash, index: u64) -> bool {
        usize::try_from(index).ok().and_then(|index| self.leaves.get(index)) == Some(leaf)
    }

    /// Whether this checkpoint is about a beginning of this log.
    pub(crate) fn leads_up_to(&self, checkpoint: &Checkpoint) -> bool {
        self.roots.get(&checkpoint.size()) == Some(checkpoint.root())
    }
}

fn roots(leaves: &[Hash]) -> HashMap<u64, Hash> {
    let mut tree = Frontier::default();
    leaves
        .iter()
        .map(|leaf| {
            tree.push(*leaf);
            (tree.size(), tree.root())
        })
        .collect()
}
