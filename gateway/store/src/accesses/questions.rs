//! A citizen questions an entry; the organization that asked then answers.
//!
//! Both texts are sealed with the key of the person whom the questioned entry is about, so that erasing the person
//! erases them too. The organization is shown the person as it knows them, from the questioned entry's own subject part.

use pmh_audit::{Leaf, SubjectBody};

use super::{Chains, signed, unsigned};
use crate::{
    Attempt, Concluding, Conclusion, Fault, GatewayStore, Idempotency, Reader, Recorded, Reply, SubjectRef,
    db::Row,
    seal::SealingKey,
    sequencer::{BoxFuture, Lane, Transaction, Tx},
};

/// A question as it is asked.
#[derive(Clone)]
pub struct Question {
    /// UUID.
    pub question_id: String,
    /// The questioned entry.
    pub index: u64,
    /// Whom it is about.
    pub subject: SubjectRef,
    /// Number of the reason.
    pub reason: i32,
    /// In the citizen's words; empty: none.
    pub text: String,
    /// How long the organization has, microseconds.
    pub time_us: i64,
}

/// What became of a question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Questioned {
    /// It is before the organization.
    Kept {
        /// When the answer is due, microseconds.
        due_us: i64,
        /// Who has to answer, `<kind>:<code>`.
        organization: String,
        /// Leaf hash of the questioned entry.
        questioned: [u8; 32],
    },
    /// The entry is not in this reader's list, or nothing of it is shown.
    NotListed,
    /// This reader has questioned it before.
    AskedBefore,
}

/// What became of an answer.
#[derive(Clone, PartialEq, Eq)]
pub enum Answered {
    /// The citizen will see it.
    Kept {
        /// Whom the questioned entry is about.
        subject: SubjectRef,
        /// The same as the organization knows them.
        sub: String,
        /// Leaf hash of the question's entry.
        question: [u8; 32],
    },
    /// No question of this organization has this id.
    Unknown,
    /// It was answered before.
    AnsweredBefore,
}

/// What a list says about a question.
#[derive(Clone, PartialEq, Eq)]
pub struct QuestionState {
    /// When the answer is or was due.
    pub due_us: i64,
    /// When it came; 0: not yet.
    pub answered_us: i64,
    /// The answer.
    pub answer: String,
}

/// A question as the organization sees it.
#[derive(Clone, PartialEq, Eq)]
pub struct StoredQuestion {
    /// UUID.
    pub question_id: String,
    /// The questioned entry.
    pub index: u64,
    /// Its leaf.
    pub leaf: Vec<u8>,
    /// The person as the organization knows them.
    pub sub: String,
    /// Number of the reason.
    pub reason: i32,
    /// In the citizen's words.
    pub text: String,
    /// When it was asked, microseconds.
    pub asked_us: i64,
    /// When the answer is due, microseconds.
    pub due_us: i64,
    /// When it was answered; 0: not yet.
    pub answered_us: i64,
    /// The question's own entry: where a page goes on.
    pub question_index: u64,
}

// Whom an entry is about and what is said about it are in no log line.
pmh_domain::withheld!(Question, Answered, QuestionState, StoredQuestion);

impl GatewayStore {
    /// Puts a question before the organization that is named in the entry as the one that asked.
    pub async fn question_access<R: Send + 'static>(
        &self,
        attempt: Attempt,
        idempotency: Idempotency,
        chains: Chains,
        question: Question,
        conclude: impl FnMut(Concluding<'_, Questioned>) -> Conclusion<R> + Send + 'static,
    ) -> Result<Recorded<Reply<R>>, Fault> {
        self.write(Lane::Interactive, attempt, Some(idempotency), Ask { chains, question }, conclude).await
    }

    /// Answers one of an organization's questions.
    pub async fn answer_question<R: Send + 'static>(
        &self,
        attempt: Attempt,
        idempotency: Idempotency,
        organization: String,
        question_id: String,
        text: String,
        conclude: impl FnMut(Concluding<'_, Answered>) -> Conclusion<R> + Send + 'static,
    ) -> Result<Recorded<Reply<R>>, Fault> {
        let answer = Answer { organization, question_id, text };
        self.write(Lane::Interactive, attempt, Some(idempotency), answer, conclude).await
    }
}

struct Ask {
    chains: Chains,
    question: Question,
}

impl Transaction for Ask {
    type Outcome = Questioned;

    fn run<'a>(&'a self, tx: &'a mut Tx) -> BoxFuture<'a, Result<Questioned, Fault>> {
        Box::pin(async move {
            let Some((leaf, hash, key)) = self.questioned(tx).await? else {
                return Ok(Questioned::NotListed);
            };
            let Some(requester) = Leaf::decode(&leaf).ok().and_then(|leaf| leaf.requester) else {
                return Ok(Questioned::NotListed);
            };
            let due_us = tx.now_us.saturating_add(self.question.time_us);
            let organization = requester.as_str().to_owned();
            if self.keep(tx, &key, &organization, due_us).await? == 0 {
                return Ok(Questioned::AskedBefore);
            }
            tx.note_reader(&self.chains.reader()).await?;
            Ok(Questioned::Kept { due_us, organization, questioned: hash })
        })
    }
}

impl Ask {
    /// Leaf, leaf hash and the person's key, if the entry is in the list and shown there.
    async fn questioned(&self, tx: &mut Tx) -> Result<Option<(Vec<u8>, [u8; 32], SealingKey)>, Fault> {
        let index = signed(self.question.index)?;
        let mut is_listed = false;
        for tag in &self.chains.tags {
            let found = tx
                .fetch_one(
                    "SELECT 1 FROM subject_ix WHERE subject_tag = $1 AND idx = $2",
                    vec![tag.into(), index.into()],
                )
                .await?;
            is_listed |= found.is_some();
        }
        if !is_listed {
            return Ok(None);
        }
        let row = tx.fetch_one(QUESTIONED, vec![index.into()]).await?;
        let Some(row) = row else { return Ok(None) };
        let is_anothers = row.optional_bytes(5)?.is_some_and(|reader| !self.chains.is_reader(&reader));
        if row.int(4)? > tx.now_us || (self.chains.is_guardian && is_anothers) {
            return Ok(None);
        }
        let key = SealingKey::unwrap(&tx.keys, row.array(2, "audit_part")?, &row.bytes(3)?)?;
        Ok(Some((row.bytes(0)?, row.array(1, "log_entry")?, key)))
    }

    async fn keep(
        &self,
        tx: &mut Tx,
        key: &SealingKey,
        organization: &str,
        due_us: i64,
    ) -> Result<u64, Fault> {
        let Question { question_id, index, subject, reason, text, .. } = &self.question;
        let (asked, own) = (tx.now_us, signed(tx.next_index)?);
        tx.execute(
            "INSERT INTO access_question (question_id, entry_idx, organization, subject_ref, reader, reason, key_id,
                question, question_idx, asked_us, due_us, answer, answer_idx, answered_us)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, -1, 0)
             ON CONFLICT (entry_idx, reader) DO NOTHING",
            vec![
                question_id.as_str().into(),
                signed(*index)?.into(),
                organization.into(),
                subject.into(),
                self.chains.reader().into(),
                i64::from(*reason).into(),
                key.id.into(),
                key.seal_at(&place(question_id, QUESTION), text.as_bytes())?.into(),
                own.into(),
                asked.into(),
                due_us.into(),
                Vec::new().into(),
            ],
        )
        .await
    }
}

struct Answer {
    organization: String,
    question_id: String,
    text: String,
}

impl Transaction for Answer {
    type Outcome = Answered;

    fn run<'a>(&'a self, tx: &'a mut Tx) -> BoxFuture<'a, Result<Answered, Fault>> {
        Box::pin(async move {
            let id = self.question_id.as_str();
            let found = tx.fetch_one(TO_ANSWER, vec![id.into(), self.organization.as_str().into()]).await?;
            let Some(row) = found else { return Ok(Answered::Unknown) };
            if row.int(6)? != 0 {
                return Ok(Answered::AnsweredBefore);
            }
            let key = SealingKey::unwrap(&tx.keys, row.array(2, "access_question")?, &row.bytes(3)?)?;
            let sub = subject_of(&key, unsigned(row.int(4)?)?, &row.bytes(5)?)?;
            let sealed = key.seal_at(&place(id, ANSWER), self.text.as_bytes())?;
            let (own, now) = (signed(tx.next_index)?, tx.now_us);
            tx.execute(
                "UPDATE access_question SET answer = $1, answer_idx = $2, answered_us = $3 WHERE question_id = $4",
                vec![sealed.into(), own.into(), now.into(), id.into()],
            )
            .await?;
            let subject = row.array(0, "access_question")?;
            Ok(Answered::Kept { subject, sub, question: row.array(1, "log_entry")? })
        })
    }
}

impl Reader {
    /// An organization's questions, newest first, below a question's entry.
    pub async fn questions(
        &self,
        organization: &str,
        below: u64,
        limit: u32,
    ) -> Result<Vec<StoredQuestion>, Fault> {
        let rows = self
            .fetch(QUESTIONS, vec![organization.into(), signed(below)?.into(), i64::from(limit).into()])
            .await?;
        rows.iter().map(|row| self.question(row)).collect()
    }

    fn question(&self, row: &Row) -> Result<StoredQuestion, Fault> {
        let question_id = row.text(0)?;
        let index = unsigned(row.int(1)?)?;
        let key = SealingKey::unwrap(&self.keys, row.array(8, "access_question")?, &row.bytes(9)?)?;
        let text = key.open_at(&place(&question_id, QUESTION), &row.bytes(4)?)?;
        Ok(StoredQuestion {
            index,
            leaf: row.bytes(2)?,
            sub: subject_of(&key, index, &row.bytes(10)?)?,
            reason: i32::try_from(row.int(3)?).unwrap_or_default(),
            text: String::from_utf8(text).map_err(|_| Fault::Seal)?,
            asked_us: row.int(5)?,
            due_us: row.int(6)?,
            answered_us: row.int(7)?,
            question_index: unsigned(row.int(11)?)?,
            question_id,
        })
    }

    /// The answer in a row of a list, where `column` and the three after it are the sealed text, the key's id, the key
    /// and the question.
    pub(super) fn text(&self, row: &Row, column: usize) -> Result<String, Fault> {
        let parts =
            (row.optional_bytes(column)?, row.optional_bytes(column + 1)?, row.optional_bytes(column + 2)?);
        let (Some(sealed), Some(id), Some(wrapped)) = parts else { return Ok(String::new()) };
        if sealed.is_empty() {
            return Ok(String::new());
        }
        let id =
            id.try_into().map_err(|_| Fault::Inconsistent { table: "access_question", column: "key_id" })?;
        let text = SealingKey::unwrap(&self.keys, id, &wrapped)?
            .open_at(&place(&row.text(column + 3)?, ANSWER), &sealed)?;
        String::from_utf8(text).map_err(|_| Fault::Seal)
    }
}

/// The person as the requester of an entry knows them.
fn subject_of(key: &SealingKey, index: u64, parts: &[u8]) -> Result<String, Fault> {
    let subject = key.open_parts(index, parts)?.into_iter().next().ok_or(Fault::Seal)?;
    SubjectBody::decode(&subject.body).map(|body| body.sub().to_owned()).map_err(|_| Fault::Seal)
}

/// Where a text is sealed to.
fn place(question_id: &str, which: u8) -> Vec<u8> {
    [b"access question ", question_id.as_bytes(), &[0, which]].concat()
}

const QUESTION: u8 = 1;
const ANSWER: u8 = 2;

const QUESTIONED: &str =
    "SELECT e.leaf, e.leaf_hash, p.key_id, k.wrapped_key, COALESCE(d.until_us, 0), r.reader
     FROM log_entry e
     JOIN audit_part p ON p.idx = e.idx
     JOIN subject_key k ON k.key_id = p.key_id
     LEFT JOIN access_delay d ON d.idx = e.idx
     LEFT JOIN access_reader r ON r.idx = e.idx
     WHERE e.idx = $1";
const TO_ANSWER: &str =
    "SELECT q.subject_ref, e.leaf_hash, q.key_id, k.wrapped_key, q.entry_idx, p.parts, q.answered_us
     FROM access_question q
     JOIN log_entry e ON e.idx = q.question_idx
     JOIN audit_part p ON p.idx = q.entry_idx
     JOIN subject_key k ON k.key_id = q.key_id
     WHERE q.question_id = $1 AND q.organization = $2";
const QUESTIONS: &str =
    "SELECT q.question_id, q.entry_idx, e.leaf, q.reason, q.question, q.asked_us, q.due_us,
        q.answered_us, q.key_id, k.wrapped_key, p.parts, q.question_idx
     FROM access_question q
     JOIN log_entry e ON e.idx = q.entry_idx
     JOIN audit_part p ON p.idx = q.entry_idx
     JOIN subject_key k ON k.key_id = q.key_id
     WHERE q.organization = $1 AND q.question_idx < $2
     ORDER BY q.question_idx DESC LIMIT $3";
