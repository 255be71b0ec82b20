//! A batch's end, its confirmation by a person, its undoing.

use pmh_audit::Kind;
use pmh_domain::time::tokyo_date;
use pmh_proto::common::Reason;
use pmh_store::{
    Concluding, Conclusion, Reply,
    checkup::{BatchEnd, BatchMove, EndedBatch, Undone},
};
use sha2::{Digest as _, Sha256};

use super::{Kept, PushStream, own_draft};
use crate::{
    ops::{
        Call, Gateway,
        entitlements::replay,
        refusals::{refused, settled},
        unavailable,
    },
    rpc::status::Refusal,
};

/// The stream has ended: the gate looks at its shape, and its rows count or wait.
pub async fn end_batch(
    gateway: &Gateway,
    call: &Call,
    stream: &PushStream,
    render: impl Fn(&EndedBatch) -> Vec<u8> + Send + 'static,
) -> Result<Kept, Refusal> {
    let end = BatchEnd {
        sender: call.short().to_owned(),
        batch_id: stream.batch.batch_id.clone(),
        dry_run: stream.batch.dry_run,
        today: tokyo_date(call.now),
        shapes: stream.shapes(),
    };
    let dry_run = end.dry_run;
    let call = call.clone().about(Sha256::digest(&end.batch_id).into());
    let recorded = gateway
        .store
        .end_checkup_batch(gateway.attempt(), end, move |concluding| {
            let Concluding::Fresh(ended) = concluding else { return refused(Reason::Internal) };
            let answer = render(&ended);
            let draft = (!dry_run).then(|| own_draft(&call, Kind::Write, Sha256::digest(&answer).into()));
            Conclusion { reply: Reply::Answer(answer), draft }
        })
        .await
        .map_err(|fault| unavailable(&fault))?;
    settled(recorded)
}

/// A person has looked at a held batch.
pub async fn confirm_batch(
    gateway: &Gateway,
    call: &Call,
    idempotency_key: &str,
    batch_id: String,
    render: impl Fn(&()) -> Vec<u8> + Send + 'static,
) -> Result<Kept, Refusal> {
    let key = call.idempotency(idempotency_key, None);
    let (issuer, call) = (call.issuer()?, call.clone());
    let recorded = gateway
        .store
        .confirm_checkup_batch(gateway.attempt(), key, issuer, batch_id, move |concluding| {
            moved(&call, concluding, &render)
        })
        .await
        .map_err(|fault| unavailable(&fault))?;
    settled(recorded)
}

/// Takes a batch back, a large one in several commits.
pub async fn undo_batch(
    gateway: &Gateway,
    call: &Call,
    idempotency_key: &str,
    batch_id: String,
    render: impl Fn(&Undone) -> Vec<u8> + Send + 'static,
) -> Result<Kept, Refusal> {
    let key = call.idempotency(idempotency_key, None);
    let (sender, call) = (call.short().to_owned(), call.clone());
    while undo_some(gateway, &call, batch_id.clone()).await? {}
    let recorded = gateway
        .store
        .undo_checkup_batch(gateway.attempt(), key, sender, batch_id, move |concluding| {
            moved(&call, concluding, &render)
        })
        .await
        .map_err(|fault| unavailable(&fault))?;
    settled(recorded)
}

/// One step of a large batch's undoing, an entry of its own; false if the rest fits into the last commit. Whatever ends
/// the call in between, the next one continues.
async fn undo_some(gateway: &Gateway, call: &Call, batch_id: String) -> Result<bool, Refusal> {
    let (sender, call) = (call.short().to_owned(), call.clone());
    let recorded = gateway
        .store
        .undo_some_of_checkup_batch(gateway.attempt(), sender, batch_id, move |concluding| {
            let Concluding::Fresh(step) = concluding else { return refused(Reason::Internal) };
            let answer = step.map_or_else(Vec::new, |undone| undone.restored.to_be_bytes().to_vec());
            let draft =
                (!answer.is_empty()).then(|| own_draft(&call, Kind::Write, Sha256::digest(&answer).into()));
            Conclusion { reply: Reply::Answer(answer), draft }
        })
        .await
        .map_err(|fault| unavailable(&fault))?;
    let (answer, _) = settled(recorded)?;
    Ok(!answer.is_empty())
}

fn moved<T>(
    call: &Call,
    concluding: Concluding<'_, BatchMove<T>>,
    render: impl Fn(&T) -> Vec<u8>,
) -> Conclusion<Refusal> {
    let draft = |sha256| own_draft(call, Kind::Write, sha256);
    match concluding {
        Concluding::Fresh(BatchMove::Done(done)) => {
            let answer = render(&done);
            let draft = draft(Sha256::digest(&answer).into());
            Conclusion { reply: Reply::Answer(answer), draft: Some(draft) }
        }
        Concluding::Fresh(BatchMove::NotFound) => refused(Reason::NotFound),
        Concluding::Fresh(BatchMove::NotAllowed) => refused(Reason::StateNotAllowed),
        Concluding::Replay(answer) => replay(draft, answer),
        Concluding::KeyReused => refused(Reason::IdempotencyKeyReused),
    }
}
