//! A receipt made anew: the same entry under the newest checkpoint.

use pmh_audit::{Hash, Kind, Leaf, Opening, Salt, registry};
use pmh_auth::names::Role;
use pmh_proto::common::Reason;
use pmh_store::{Page, Reader, Recorded, StoredEntry};

use super::{Log, inclusion, sign};
use crate::{
    ops::{Call, Gateway, Response, unavailable, witnessing::cosigned_checkpoint},
    rpc::status::Refusal,
};

/// An entry with its proof in the tree as of now.
#[derive(Debug, Clone)]
pub struct Renewed {
    /// Index.
    pub index: u64,
    /// The leaf as committed.
    pub leaf: Vec<u8>,
    /// Size of the tree.
    pub tree_size: u64,
    /// Inclusion path in it.
    pub path: Vec<Hash>,
    /// Its checkpoint.
    pub checkpoint: String,
    /// Opening of the detail part, for the organization that asked then.
    pub detail: Option<Opening>,
    /// Opening of the subject part, for the same.
    pub subject: Option<Opening>,
}

/// The receipt of one entry. `witnesses` must have cosigned its checkpoint.
pub async fn renew<R: Response>(
    gateway: &Gateway,
    call: &Call,
    log: Log,
    index: u64,
    witnesses: u32,
    render: impl Fn(&Renewed) -> R + Send + 'static,
) -> Result<Recorded<R>, Refusal> {
    let source = gateway.reader(log);
    let (stored, right) = readable(gateway, call, source, index).await?;
    let (tree_size, checkpoint) = match witnesses {
        0 => {
            let (size, root) = source.head().await.map_err(|fault| unavailable(&fault))?;
            (size, sign(gateway, log, size, root)?)
        }
        _ => cosigned_checkpoint(gateway, log, index, witnesses).await?,
    };
    let (path, _) = inclusion(gateway, log, index, tree_size).await?;
    let (detail, subject) = match right {
        Reading::Own => (opening(source, index, DETAIL).await?, opening(source, index, SUBJECT).await?),
        Reading::Auditors => (None, None),
    };
    let renewed = Renewed { index, leaf: stored.leaf, tree_size, path, checkpoint, detail, subject };
    let call = call.clone();
    gateway
        .store
        .disclose(gateway.attempt(), None, move |_, _| {
            let response = render(&renewed);
            let draft = call.draft(right.kind(), registry::Categories::AUDIT, None, response.digest());
            (response, Some(draft))
        })
        .await
        .map_err(|fault| unavailable(&fault))
}

/// By which right an entry is read.
#[derive(Debug, Clone, Copy)]
enum Reading {
    /// The caller asked then: it gets its receipt once more.
    Own,
    /// An auditor; parts are opened only under a warrant.
    Auditors,
}

impl Reading {
    fn kind(self) -> Kind {
        match self {
            Self::Own => Kind::Replay,
            Self::Auditors => Kind::AuditorQuery,
        }
    }
}

/// An entry that the caller may see; another looks as if there were none.
async fn readable(
    gateway: &Gateway,
    call: &Call,
    reader: &Reader,
    index: u64,
) -> Result<(StoredEntry, Reading), Refusal> {
    let page = Page { from_index: index, end_index: index.saturating_add(1), limit: 1 };
    let stored = match i64::try_from(index) {
        Ok(_) => reader.entries(&page).await.map_err(|fault| unavailable(&fault))?.into_iter().next(),
        Err(_) => None,
    };
    let stored = stored.ok_or_else(|| Refusal::new(Reason::NotFound))?;
    let leaf = Leaf::decode(&stored.leaf).map_err(|_| Refusal::new(Reason::Internal))?;
    let is_auditor = call.peer.identity().claimed_role() == Role::Auditor;
    if leaf.requester.as_ref().is_some_and(|requester| requester.as_str() == call.short()) {
        Ok((stored, Reading::Own))
    } else if is_auditor && gateway.jurisdictions.of(call.short()).covers(&leaf) {
        Ok((stored, Reading::Auditors))
    } else {
        Err(Refusal::new(Reason::NotFound))
    }
}

async fn opening(reader: &Reader, index: u64, part: u8) -> Result<Option<Opening>, Refusal> {
    let part = reader.part(index, part).await.map_err(|fault| unavailable(&fault))?;
    Ok(part.map(|(salt, body)| Opening { salt: Salt::new(salt), body }))
}

/// Places of the parts of an entry, from 1.
const SUBJECT: u8 = 1;
const DETAIL: u8 = 4;
