//! A municipality delays what a person sees of an entry, by a provision of law (audit.md §2.9).
//!
//! Delayed is the display alone: the entry keeps its place in the chain, and the person is told until when and why.

use std::sync::Arc;

use pmh_audit::{Kind, Leaf, Receipt, Reference, registry, tree::leaf_hash};
use pmh_proto::common::Reason;
use pmh_store::{Concluding, Conclusion, Page, Reply};

use super::{questions::with_digest, refused, settled, unavailable};
use crate::{
    ops::{Call, Gateway, entitlements::replay, log::Log},
    rpc::status::Refusal,
};

/// A delay as it is put.
#[derive(Debug, Clone)]
pub struct NewDelay {
    /// The entry, one of the caller's own.
    pub index: u64,
    /// Until when, in microseconds; in the past: no longer.
    pub until_us: i64,
    /// The provision of law.
    pub ground: String,
}

/// Delays an entry that the caller asked for or whose data are the caller's; another looks as if there were none. The
/// delay's own entry is about nobody: in the person's list it would tell what is withheld.
pub async fn put_delay(
    gateway: &Arc<Gateway>,
    call: &Call,
    idempotency_key: &str,
    delay: NewDelay,
    render: impl Fn() -> Vec<u8> + Send + 'static,
) -> Result<(Vec<u8>, Option<Receipt>), Refusal> {
    let NewDelay { index, until_us, ground } = delay;
    let delayed = own_entry(gateway, call, index).await?;
    let key = call.idempotency(idempotency_key, None);
    let mut draft = call.draft(Kind::KeyOrPolicyChange, registry::Categories::AUDIT, None, [0; 32]);
    let origin_sha256 = gateway.log_origin_sha256();
    draft.references = vec![Reference { origin_sha256, leaf_hash: delayed }].try_into().unwrap_or_default();
    let recorded = gateway
        .store
        .put_access_delay(gateway.attempt(), key, (index, until_us), ground, move |concluding| {
            match concluding {
                Concluding::Fresh(true) => {
                    let answer = render();
                    let draft = with_digest(draft.clone(), &answer);
                    Conclusion { reply: Reply::Answer(answer), draft: Some(draft) }
                }
                Concluding::Fresh(false) => refused(Reason::NotFound),
                Concluding::Replay(answer) => replay(|_| with_digest(draft.clone(), answer), answer),
                Concluding::KeyReused => refused(Reason::IdempotencyKeyReused),
            }
        })
        .await
        .map_err(|fault| unavailable(&fault))?;
    settled(recorded)
}

/// Leaf hash of an entry of the caller's own.
async fn own_entry(gateway: &Gateway, call: &Call, index: u64) -> Result<[u8; 32], Refusal> {
    let unknown = || Refusal::new(Reason::NotFound);
    let page = Page { from_index: index, end_index: index.saturating_add(1), limit: 1 };
    if i64::try_from(page.end_index).is_err() {
        return Err(unknown());
    }
    let stored = gateway.reader(Log::Gateway).entries(&page).await.map_err(|fault| unavailable(&fault))?;
    let stored = stored.first().ok_or_else(unknown)?;
    let leaf = Leaf::decode(&stored.leaf).map_err(|_| Refusal::new(Reason::Internal))?;
    let is_own = [&leaf.requester, &leaf.holder]
        .into_iter()
        .flatten()
        .any(|organization| organization.as_str() == call.short());
    if is_own { Ok(leaf_hash(&stored.leaf)) } else { Err(unknown()) }
}
