//! A log, whole: page after page for a mirror of one's own, believed only as far as it leads to the signed root.

use pmh_audit::registry::Method;
use pmh_audit::tree::leaf_hash;
use pmh_audit::{Checkpoint, Frontier, Hash, VerifierKey};
use pmh_proto::StrictCodec;
use pmh_proto::audit::{ExportEntriesRequest, ExportEntriesResponse, ExportedEntry, Log};
use tonic::Streaming;

use crate::error::Error;
use crate::gateway::{Gateway, failure};
use crate::log::LogError;
use crate::receipt::{Expected, array, check, check_answer, digest, response_digest};

/// A log on its way to us.
#[derive(Debug)]
pub struct LogExport {
    gateway: Gateway,
    key: VerifierKey,
    request: ExportEntriesRequest,
    pages: Streaming<ExportEntriesResponse>,
    /// The tree that is exported, and its note.
    tree: Option<(Checkpoint, String)>,
    /// What has arrived.
    arrived: Frontier,
    attempts: u32,
}

/// Some entries in the order of the log, and the earlier checkpoints among them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ExportPage {
    /// Index of the first entry.
    pub first_index: u64,
    /// Leaves; where the log shows only a hash, it stands alone.
    pub entries: Vec<Exported>,
    /// Signed checkpoints of trees that the entries so far lead to, as notes.
    pub checkpoints: Vec<(Checkpoint, String)>,
}

/// One entry of an export.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Exported {
    /// The leaf.
    Leaf(Vec<u8>),
    /// Its hash alone: it is outside this auditor's jurisdiction.
    Hash(Hash),
}

impl Exported {
    /// Hash of the leaf.
    pub fn hash(&self) -> Hash {
        match self {
            Self::Leaf(leaf) => leaf_hash(leaf),
            Self::Hash(hash) => *hash,
        }
    }
}

impl LogExport {
    pub(crate) async fn open(
        gateway: Gateway,
        key: VerifierKey,
        log: Log,
        max_checkpoints: u32,
    ) -> Result<Self, LogError> {
        let request = ExportEntriesRequest { log: log.into(), from_index: 0, tree_size: 0, max_checkpoints };
        let pages = stream(&gateway, &request).await?;
        Ok(Self { gateway, key, request, pages, tree: None, arrived: Frontier::default(), attempts: 1 })
    }

    /// The next page; `None` once all entries have arrived and lead to the signed root. Until then nothing is proved
    /// but that each page was recorded.
    ///
    /// A stream that breaks is taken up where it ended, for the same tree.
    pub async fn next(&mut self) -> Result<Option<ExportPage>, LogError> {
        loop {
            match self.pages.message().await.map_err(failure) {
                Ok(Some(page)) => {
                    self.attempts = 1;
                    return self.take(page).map(Some);
                }
                Ok(None) => return self.finish(),
                Err(error) => self.resume(error).await?,
            }
        }
    }

    /// Checkpoint and note of the tree; known from the first page on.
    pub fn tree(&self) -> Option<&(Checkpoint, String)> {
        self.tree.as_ref()
    }

    /// Entries that have arrived.
    pub fn arrived(&self) -> u64 {
        self.arrived.size()
    }

    fn take(&mut self, mut page: ExportEntriesResponse) -> Result<ExportPage, LogError> {
        self.check_receipt(&page)?;
        let size = self.fix_tree(&page)?;
        if page.tree_size != size || page.first_index != self.arrived.size() || page.entries.is_empty() {
            return Err(OUT_OF_ORDER.into());
        }
        let notes = std::mem::take(&mut page.checkpoints);
        let mut notes = notes
            .into_iter()
            .map(|note| Ok((Checkpoint::open(note.as_bytes(), &self.key)?, note)))
            .peekable();
        let mut taken = ExportPage { first_index: page.first_index, ..ExportPage::default() };
        for entry in page.entries {
            let entry = read(entry)?;
            self.arrived.push(entry.hash());
            taken.entries.push(entry);
            while let Some(known) = notes.next_if(|known: &Result<(Checkpoint, String), LogError>| {
                known.as_ref().map_or(true, |(known, _)| known.size() <= self.arrived.size())
            }) {
                let (known, note) = known?;
                if known.size() != self.arrived.size() || *known.root() != self.arrived.root() {
                    return Err(LogError::Inconsistent(known.size()));
                }
                taken.checkpoints.push((known, note));
            }
        }
        if notes.next().is_some() || self.arrived.size() > size {
            return Err(OUT_OF_ORDER.into());
        }
        Ok(taken)
    }

    fn check_receipt(&self, page: &ExportEntriesResponse) -> Result<(), LogError> {
        let expected = Expected {
            requester: self.gateway.identity().organization(),
            method: Method::EXPORT_ENTRIES,
            request: digest(&self.request),
            response: response_digest(page),
        };
        // Whatever log is read, the reading is recorded in the log of disclosures.
        let proof = check(page.receipt.as_ref(), &self.gateway.keys().gateway, &expected)?;
        Ok(check_answer(&proof)?)
    }

    /// The first page names the tree; every other is about the same one.
    fn fix_tree(&mut self, page: &ExportEntriesResponse) -> Result<u64, LogError> {
        match &self.tree {
            Some((tree, note)) if page.checkpoint.is_empty() || page.checkpoint == *note => Ok(tree.size()),
            Some(_) => Err(OUT_OF_ORDER.into()),
            None => {
                let tree = Checkpoint::open(page.checkpoint.as_bytes(), &self.key)?;
                let size = tree.size();
                self.tree = Some((tree, page.checkpoint.clone()));
                Ok(size)
            }
        }
    }

    fn finish(&self) -> Result<Option<ExportPage>, LogError> {
        match &self.tree {
            Some((tree, _)) if tree.size() == self.arrived.size() && *tree.root() == self.arrived.root() => {
                Ok(None)
            }
            Some((tree, _)) if tree.size() == self.arrived.size() => Err(LogError::Inconsistent(tree.size())),
            _ => Err(OUT_OF_ORDER.into()),
        }
    }

    async fn resume(&mut self, error: Error) -> Result<(), LogError> {
        let Some(pause) = self.gateway.retry().pause_after(&error, self.attempts) else {
            return Err(error.into());
        };
        tokio::time::sleep(pause).await;
        self.attempts += 1;
        self.request.from_index = self.arrived.size();
        self.request.tree_size = self.tree.as_ref().map_or(0, |(tree, _)| tree.size());
        self.pages = stream(&self.gateway, &self.request).await?;
        Ok(())
    }
}

async fn stream(
    gateway: &Gateway,
    request: &ExportEntriesRequest,
) -> Result<Streaming<ExportEntriesResponse>, Error> {
    let mut grpc = gateway.ready().await?;
    let codec = StrictCodec::<ExportEntriesRequest, ExportEntriesResponse>::default();
    let path = http::uri::PathAndQuery::from_static("/pmh.audit.v1.AuditService/ExportEntries");
    let request = tonic::Request::new(*request);
    Ok(grpc.server_streaming(request, path, codec).await.map_err(failure)?.into_inner())
}

fn read(entry: ExportedEntry) -> Result<Exported, LogError> {
    match (entry.leaf.is_empty(), entry.leaf_hash.as_slice()) {
        (false, []) => Ok(Exported::Leaf(entry.leaf)),
        (true, hash) => Ok(Exported::Hash(array(hash)?)),
        (false, _) => Err(OUT_OF_ORDER.into()),
    }
}

const OUT_OF_ORDER: Error = Error::Contract("entries of one tree in the order of the log");
