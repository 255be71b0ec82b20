//! Requests to erase. Who may agree is the operations' rule; here only that each is carried out once, and that one
//! which was carried out is not forgotten before the other log and the files have followed.

use serde::{Deserialize, Serialize};

use crate::{
    Attempt, Concluding, Conclusion, Fault, GatewayStore, Idempotency, Reader, Recorded, Reply, SubjectRef,
    db::Row,
    seal::SealingKey,
    sequencer::{BoxFuture, Lane, Transaction, Tx},
};

/// What is to be erased, or held.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum ToErase {
    /// Everything that the logs say about a person, under whichever reference.
    Person(SubjectRef),
    /// The parts of one entry.
    Entry(u64),
}

/// What was asked, by whom: sealed at rest.
#[derive(Clone, Serialize, Deserialize)]
pub struct ErasureAsked {
    /// What.
    pub what: ToErase,
    /// The case.
    pub case_reference: String,
    /// Why.
    pub ground: String,
    /// The asking terminal.
    pub terminal: String,
    /// Its certificate.
    pub certificate_sha256: [u8; 32],
    /// Pseudonym of the asking operator.
    pub operator: String,
}

/// A request to be kept.
#[derive(Debug, Clone)]
pub struct NewErasure {
    /// UUID.
    pub erasure_id: String,
    /// `<kind>:<code>`.
    pub requester: String,
    /// Microseconds until it ends.
    pub lives_us: i64,
    /// The rest.
    pub asked: ErasureAsked,
}

/// A request that has not ended.
#[derive(Debug, Clone)]
pub struct ErasureRequest {
    /// UUID.
    pub erasure_id: String,
    /// `<kind>:<code>`.
    pub requester: String,
    /// It was carried out in the gateway's log.
    pub agreed: bool,
    /// Microseconds.
    pub expires_us: i64,
    /// The rest.
    pub asked: ErasureAsked,
}

// Whom it is about is in no log line.
pmh_domain::withheld!(ToErase, ErasureAsked);

impl GatewayStore {
    /// Keeps a request. The outcome is when it ends.
    pub async fn request_erasure<R: Send + 'static>(
        &self,
        attempt: Attempt,
        idempotency: Idempotency,
        request: NewErasure,
        conclude: impl FnMut(Concluding<'_, i64>) -> Conclusion<R> + Send + 'static,
    ) -> Result<Recorded<Reply<R>>, Fault> {
        self.write(Lane::Interactive, attempt, Some(idempotency), request, conclude).await
    }

    /// Forgets a request that was carried out everywhere, and those that nobody agreed to in time. No entry: both the
    /// request and what became of it have theirs.
    pub async fn forget_erasure(&self, attempt: Attempt, erasure_id: String) -> Result<(), Fault> {
        let done = Done { erasure_id };
        let conclude =
            |_: Concluding<'_, ()>| Conclusion::<()> { reply: Reply::Answer(Vec::new()), draft: None };
        drop(self.write(Lane::Bulk, attempt, None, done, conclude).await?.into_parts());
        Ok(())
    }
}

impl Reader {
    /// A request that has not ended by now.
    pub async fn erasure_request(
        &self,
        erasure_id: &str,
        now_us: i64,
    ) -> Result<Option<ErasureRequest>, Fault> {
        let sql = "SELECT erasure_id, requester, agreed, expires_us, body FROM erasure_request
             WHERE erasure_id = $1 AND expires_us > $2";
        let row = self.fetch_one(sql, vec![erasure_id.into(), now_us.into()]).await?;
        row.map(|row| self.read_request(&row)).transpose()
    }

    /// Requests that were carried out here and not yet everywhere.
    pub async fn agreed_erasures(&self) -> Result<Vec<ErasureRequest>, Fault> {
        let sql =
            "SELECT erasure_id, requester, agreed, expires_us, body FROM erasure_request WHERE agreed = 1";
        self.fetch(sql, vec![]).await?.iter().map(|row| self.read_request(row)).collect()
    }

    fn read_request(&self, row: &Row) -> Result<ErasureRequest, Fault> {
        let erasure_id = row.text(0)?;
        let body = SealingKey::of_log(&self.keys).open_at(&place(&erasure_id), &row.bytes(4)?)?;
        Ok(ErasureRequest {
            requester: row.text(1)?,
            agreed: row.flag(2)?,
            expires_us: row.int(3)?,
            asked: serde_json::from_slice(&body).map_err(|_| UNREADABLE)?,
            erasure_id,
        })
    }
}

impl Transaction for NewErasure {
    type Outcome = i64;
    const TOUCHES_PERSONS: bool = false;

    fn run<'a>(&'a self, tx: &'a mut Tx) -> BoxFuture<'a, Result<i64, Fault>> {
        Box::pin(async move {
            let body = serde_json::to_vec(&self.asked).map_err(|_| UNREADABLE)?;
            let sealed = SealingKey::of_log(&tx.keys).seal_at(&place(&self.erasure_id), &body)?;
            let expires_us = tx.now_us + self.lives_us;
            tx.execute(
                "INSERT INTO erasure_request (erasure_id, requester, agreed, expires_us, body)
                 VALUES ($1, $2, 0, $3, $4)",
                vec![
                    self.erasure_id.as_str().into(),
                    self.requester.as_str().into(),
                    expires_us.into(),
                    sealed.into(),
                ],
            )
            .await?;
            Ok(expires_us)
        })
    }
}

struct Done {
    erasure_id: String,
}

impl Transaction for Done {
    type Outcome = ();
    const TOUCHES_PERSONS: bool = false;

    fn run<'a>(&'a self, tx: &'a mut Tx) -> BoxFuture<'a, Result<(), Fault>> {
        Box::pin(async move {
            let now_us = tx.now_us;
            tx.execute(
                "DELETE FROM erasure_request WHERE (erasure_id = $1 AND agreed = 1) OR (agreed = 0 AND expires_us <= $2)",
                vec![self.erasure_id.as_str().into(), now_us.into()],
            )
            .await
            .map(drop)
        })
    }
}

impl Tx {
    /// Whether the request was open until now.
    pub(super) async fn carry_out(&mut self, erasure_id: &str) -> Result<bool, Fault> {
        let now_us = self.now_us;
        let changed = self
            .execute(
                "UPDATE erasure_request SET agreed = 1 WHERE erasure_id = $1 AND agreed = 0 AND expires_us > $2",
                vec![erasure_id.into(), now_us.into()],
            )
            .await?;
        Ok(changed == 1)
    }

    /// Auditors' searches for an erased person end with them; their bodies name who was looked for.
    pub(super) async fn delete_searches(&mut self, references: &[SubjectRef]) -> Result<(), Fault> {
        for search_id in self.searches_for(references).await? {
            self.execute("DELETE FROM person_search WHERE search_id = $1", vec![search_id.into()]).await?;
        }
        Ok(())
    }
}

fn place(erasure_id: &str) -> Vec<u8> {
    [b"erasure_request\0", erasure_id.as_bytes()].concat()
}

const UNREADABLE: Fault = Fault::Inconsistent { table: "erasure_request", column: "body" };
