//! A citizen questions an entry; the organization that asked then sees it and answers.

use std::sync::Arc;

use pmh_audit::{Kind, Receipt, Reference, registry};
use pmh_auth::policy::Permit;
use pmh_proto::common::Reason;
use pmh_store::{
    Answered, Concluding, Conclusion, Draft, EntrySubject, Question, Questioned, Recorded, Reply,
    StoredQuestion,
};
use sha2::{Digest as _, Sha256};

use crate::{
    ops::{
        Call, Gateway, Response,
        entitlements::replay,
        refusals::{refused, settled},
        unavailable,
        verify::purpose_number,
    },
    rpc::status::Refusal,
};

/// What a citizen asks.
#[derive(Clone)]
pub struct NewQuestion {
    /// UUID.
    pub question_id: String,
    /// The questioned entry.
    pub index: u64,
    /// Number of the reason.
    pub reason: i32,
    /// In the citizen's words.
    pub text: String,
}

/// Encoded answer and proof.
type Kept = (Vec<u8>, Option<Receipt>);

/// Puts a question before the organization. It learns which of its entries is questioned, and of the person only what
/// that entry already says.
pub async fn question(
    gateway: &Arc<Gateway>,
    call: &Call,
    permit: &Permit,
    idempotency_key: &str,
    new: NewQuestion,
    render: impl Fn(&str, i64) -> Vec<u8> + Send + 'static,
) -> Result<Kept, Refusal> {
    let chains = gateway.chains(call, permit).await?;
    let draft = gateway.look_up(call, purpose_number(permit.purpose()), &chains, [0; 32])?;
    let subject = draft.subject.as_ref().ok_or_else(|| Refusal::new(Reason::TokenInvalid))?.reference;
    let key = call.idempotency(idempotency_key, call.named(gateway).as_ref());
    let NewQuestion { question_id, index, reason, text } = new;
    let id = question_id.clone();
    let time_us = i64::try_from(gateway.time_to_answer.as_micros()).unwrap_or(i64::MAX);
    let question = Question { question_id, index, subject, reason, text, time_us };
    let origin_sha256 = gateway.log_origin_sha256();
    let recorded = gateway
        .store
        .question_access(gateway.attempt(), key, chains, question, move |concluding| match concluding {
            Concluding::Fresh(Questioned::Kept { due_us, questioned, .. }) => {
                let answer = render(&id, due_us);
                let mut draft = with_digest(draft.clone(), &answer);
                draft.references =
                    vec![Reference { origin_sha256, leaf_hash: questioned }].try_into().unwrap_or_default();
                Conclusion { reply: Reply::Answer(answer), draft: Some(draft) }
            }
            Concluding::Fresh(Questioned::NotListed) => refused(Reason::NotFound),
            Concluding::Fresh(Questioned::AskedBefore) => refused(Reason::StateNotAllowed),
            Concluding::Replay(answer) => replay(|_| with_digest(draft.clone(), answer), answer),
            Concluding::KeyReused => refused(Reason::IdempotencyKeyReused),
        })
        .await
        .map_err(|fault| unavailable(&fault))?;
    settled(recorded)
}

/// Answers one of the caller's own questions; the person's list takes the entry.
pub async fn answer(
    gateway: &Arc<Gateway>,
    call: &Call,
    idempotency_key: &str,
    question_id: String,
    text: String,
    render: impl Fn() -> Vec<u8> + Send + 'static,
) -> Result<Kept, Refusal> {
    let key = call.idempotency(idempotency_key, None);
    let draft = call.draft(Kind::Write, registry::Categories::AUDIT, None, [0; 32]);
    let (organization, origin_sha256) = (call.short().to_owned(), gateway.log_origin_sha256());
    let recorded = gateway
        .store
        .answer_question(gateway.attempt(), key, organization, question_id, text, move |concluding| {
            match concluding {
                Concluding::Fresh(Answered::Kept { subject, sub, question }) => {
                    let answer = render();
                    let mut draft = with_digest(draft.clone(), &answer);
                    draft.subject = Some(EntrySubject { reference: subject, sub, also: Vec::new() });
                    draft.references =
                        vec![Reference { origin_sha256, leaf_hash: question }].try_into().unwrap_or_default();
                    Conclusion { reply: Reply::Answer(answer), draft: Some(draft) }
                }
                Concluding::Fresh(Answered::Unknown) => refused(Reason::NotFound),
                Concluding::Fresh(Answered::AnsweredBefore) => refused(Reason::StateNotAllowed),
                Concluding::Replay(answer) => replay(|_| with_digest(draft.clone(), answer), answer),
                Concluding::KeyReused => refused(Reason::IdempotencyKeyReused),
            }
        })
        .await
        .map_err(|fault| unavailable(&fault))?;
    settled(recorded)
}

/// A page of an organization's questions.
pub struct Questions {
    /// Newest first.
    pub questions: Vec<StoredQuestion>,
    /// Where to go on.
    pub next: Option<u64>,
    /// Microseconds.
    pub now_us: i64,
}

/// The caller's own questions. One entry a page, before its answer.
pub async fn list_questions<R: Response>(
    gateway: &Gateway,
    call: &Call,
    below: Option<u64>,
    limit: u32,
    render: impl Fn(&Questions) -> R + Send + 'static,
) -> Result<Recorded<R>, Refusal> {
    let below = below.unwrap_or(i64::MAX.unsigned_abs());
    let found = gateway.store.reader().questions(call.short(), below, limit + 1).await;
    let mut questions = found.map_err(|fault| unavailable(&fault))?;
    let is_last = questions.len() <= limit as usize;
    questions.truncate(limit as usize);
    let next = questions.last().map(|question| question.question_index).filter(|_| !is_last);
    let found = Questions { questions, next, now_us: gateway.now_us() };
    let call = call.clone();
    gateway
        .store
        .disclose(gateway.attempt(), None, move |_, _| {
            let response = render(&found);
            let draft = call.draft(Kind::Disclosure, registry::Categories::AUDIT, None, response.digest());
            (response, Some(draft))
        })
        .await
        .map_err(|fault| unavailable(&fault))
}

impl Gateway {
    pub(in crate::ops) fn log_origin_sha256(&self) -> [u8; 32] {
        Sha256::digest(self.logs.gateway.verifier().name()).into()
    }
}

pub(super) fn with_digest(mut draft: Draft, answer: &[u8]) -> Draft {
    draft.detail.response_sha256 = Sha256::digest(answer).into();
    draft
}
