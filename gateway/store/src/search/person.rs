//! Requests to search by person. Who may approve is the operations' rule; here
//! only that each request is approved once and ends by itself.

use serde::{Deserialize, Serialize};

use crate::{
    Attempt, Concluding, Conclusion, Fault, GatewayStore, Idempotency, Reader, Recorded, Reply, SubjectRef,
    seal::SealingKey,
    sequencer::{BoxFuture, Lane, Transaction, Tx},
};

/// What was asked, by whom: sealed at rest.
#[derive(Clone, Serialize, Deserialize)]
pub struct Asked {
    /// The person, by the surviving reference.
    pub person: SubjectRef,
    /// All references that are this person; found when the request is kept.
    pub people: Vec<SubjectRef>,
    /// Organizations by which the person came into the asker's jurisdiction, `<kind>:<code>`.
    pub within: Vec<String>,
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

impl std::fmt::Debug for Asked {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Asked(..)")
    }
}

/// A request to be kept.
#[derive(Debug, Clone)]
pub struct NewPersonSearch {
    /// UUID.
    pub search_id: String,
    /// `<kind>:<code>`.
    pub requester: String,
    /// Microseconds until it ends.
    pub lives_us: i64,
    /// The rest.
    pub asked: Asked,
}

/// A request that has not ended.
#[derive(Debug, Clone)]
pub struct PersonSearch {
    /// `<kind>:<code>`.
    pub requester: String,
    /// A second person has agreed.
    pub approved: bool,
    /// Microseconds.
    pub expires_us: i64,
    /// The rest.
    pub asked: Asked,
}

impl GatewayStore {
    /// Keeps a request, with every reference that is the same person now. The outcome is when it ends.
    pub async fn request_person_search<R: Send + 'static>(
        &self,
        attempt: Attempt,
        idempotency: Idempotency,
        request: NewPersonSearch,
        conclude: impl FnMut(Concluding<'_, i64>) -> Conclusion<R> + Send + 'static,
    ) -> Result<Recorded<Reply<R>>, Fault> {
        self.write(Lane::Interactive, attempt, Some(idempotency), request, conclude).await
    }

    /// Approves it; false if it has ended or was approved before.
    pub async fn approve_person_search<R: Send + 'static>(
        &self,
        attempt: Attempt,
        idempotency: Idempotency,
        search_id: String,
        conclude: impl FnMut(Concluding<'_, bool>) -> Conclusion<R> + Send + 'static,
    ) -> Result<Recorded<Reply<R>>, Fault> {
        self.write(Lane::Interactive, attempt, Some(idempotency), Approve { search_id }, conclude).await
    }
}

impl Reader {
    /// A request that has not ended by now.
    pub async fn person_search(&self, search_id: &str, now_us: i64) -> Result<Option<PersonSearch>, Fault> {
        let row = self
            .fetch_one(
                "SELECT requester, approved, expires_us, body FROM person_search
                 WHERE search_id = $1 AND expires_us > $2",
                vec![search_id.into(), now_us.into()],
            )
            .await?;
        let Some(row) = row else { return Ok(None) };
        let body = SealingKey::of_log(&self.keys).open_at(&place(search_id), &row.bytes(3)?)?;
        Ok(Some(PersonSearch {
            requester: row.text(0)?,
            approved: row.flag(1)?,
            expires_us: row.int(2)?,
            asked: serde_json::from_slice(&body).map_err(|_| UNREADABLE)?,
        }))
    }
}

impl Tx {
    /// Requests that look for any of these references.
    pub(crate) async fn searches_for(&mut self, references: &[SubjectRef]) -> Result<Vec<String>, Fault> {
        let mut found = Vec::new();
        for row in self.fetch("SELECT search_id, body FROM person_search", vec![]).await? {
            let search_id = row.text(0)?;
            let body = SealingKey::of_log(&self.keys).open_at(&place(&search_id), &row.bytes(1)?)?;
            let asked: Asked = serde_json::from_slice(&body).map_err(|_| UNREADABLE)?;
            if asked.people.iter().any(|person| references.contains(person)) {
                found.push(search_id);
            }
        }
        Ok(found)
    }
}

struct Approve {
    search_id: String,
}

impl Transaction for NewPersonSearch {
    type Outcome = i64;

    fn run<'a>(&'a self, tx: &'a mut Tx) -> BoxFuture<'a, Result<i64, Fault>> {
        Box::pin(async move {
            let mut asked = self.asked.clone();
            asked.people = vec![asked.person];
            let rows = tx
                .fetch(
                    "SELECT one.survivor, one.subject_ref FROM subject_alias asked
                     JOIN subject_alias one ON one.survivor = asked.survivor
                     WHERE asked.subject_ref = $1",
                    vec![asked.person.into()],
                )
                .await?;
            for row in rows {
                asked.person = row.array(0, "subject_alias")?;
                asked.people.push(row.array(1, "subject_alias")?);
            }
            asked.people.sort_unstable();
            asked.people.dedup();
            let body = serde_json::to_vec(&asked).map_err(|_| UNREADABLE)?;
            let sealed = SealingKey::of_log(&tx.keys).seal_at(&place(&self.search_id), &body)?;
            let expires_us = tx.now_us + self.lives_us;
            tx.execute(
                "INSERT INTO person_search (search_id, requester, approved, expires_us, body)
                 VALUES ($1, $2, 0, $3, $4)",
                vec![
                    self.search_id.as_str().into(),
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

impl Transaction for Approve {
    type Outcome = bool;

    fn run<'a>(&'a self, tx: &'a mut Tx) -> BoxFuture<'a, Result<bool, Fault>> {
        Box::pin(async move {
            let now_us = tx.now_us;
            let changed = tx
                .execute(
                    "UPDATE person_search SET approved = 1
                     WHERE search_id = $1 AND approved = 0 AND expires_us > $2",
                    vec![self.search_id.as_str().into(), now_us.into()],
                )
                .await?;
            Ok(changed == 1)
        })
    }
}

fn place(search_id: &str) -> Vec<u8> {
    [b"person_search\0", search_id.as_bytes()].concat()
}

const UNREADABLE: Fault = Fault::Inconsistent { table: "person_search", column: "body" };
