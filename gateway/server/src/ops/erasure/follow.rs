//! What follows an erasure: the other log's half, and the databases' own files. Written down in the erasure's own
//! transaction, so that a crash in between is made good at the next start, or at the next tick.

use pmh_audit::{DetailBody, Hash, Kind, OrgRef, References, ShortText, registry};
use pmh_proto::common::Reason;
use pmh_store::{Concluding, Conclusion, Draft, Erasing, ErasureRequest, Fault, Reply, ToErase};

use super::{references, rows};
use crate::ops::{Gateway, bulk::detail_salt, call::nobody, refusals::reason_number};

impl Gateway {
    /// Finishes what was agreed to and not yet followed everywhere.
    pub async fn follow_erasures(&self) -> Result<(), Fault> {
        for request in self.store.reader().agreed_erasures().await? {
            self.follow_erasure(&request).await?;
        }
        self.store.forget_erasure(self.attempt(), String::new()).await?;
        self.clean_files().await
    }

    /// The other half of one erasure. May run again.
    pub(super) async fn follow_erasure(&self, request: &ErasureRequest) -> Result<(), Fault> {
        if let ToErase::Person(person) = request.asked.what {
            let everybody = self.store.reader().group(person).await?;
            let holds = self.store.reader().holds_on(&everybody).await?;
            if holds.is_empty() {
                self.erase_presences(request, everybody).await?;
            } else {
                self.spare_presences(request, holds).await?;
            }
        }
        self.store.forget_erasure(self.attempt(), request.erasure_id.clone()).await?;
        // Last, so that the request itself goes with it.
        self.clean_files().await
    }

    async fn erase_presences(&self, request: &ErasureRequest, everybody: Vec<[u8; 32]>) -> Result<(), Fault> {
        let attempt = self.attempt();
        let salt = detail_salt(&attempt);
        let followed = followed(request);
        let recorded = self
            .auth
            .erase_person(attempt, everybody, move |concluding| {
                let done = match concluding {
                    Concluding::Fresh(Erasing::Done(entries)) => rows(&salt, &entries),
                    _ => None,
                };
                let draft = done.map(|rows| {
                    let mut draft = followed.clone();
                    draft.detail.rows = Some(rows);
                    draft
                });
                Conclusion::<()> { reply: Reply::Answer(Vec::new()), draft }
            })
            .await?;
        drop(recorded.into_parts());
        Ok(())
    }

    /// A hold was put since the two agreed, so what the other log has is refused. Not kept waiting for the release: by
    /// then the log would have visits that nobody agreed to erase.
    async fn spare_presences(&self, request: &ErasureRequest, holds: Vec<Hash>) -> Result<(), Fault> {
        let refusal = Draft {
            kind: Kind::Refusal,
            outcome: reason_number(Reason::LegalHold),
            references: references(self.log_origin_sha256(), holds),
            ..followed(request)
        };
        let recorded = self.store.disclose(self.attempt(), None, move |_, _| ((), Some(refusal.clone())));
        drop(recorded.await?.into_parts());
        Ok(())
    }

    /// Where somebody still reads an older state, the next tick tries again.
    async fn clean_files(&self) -> Result<(), Fault> {
        let clean =
            [self.store.clean_files(self.attempt()).await?, self.auth.clean_files(self.attempt()).await?];
        if clean.contains(&false) {
            tracing::info!("the files still hold what was erased: somebody reads an older state");
        }
        Ok(())
    }
}

/// The entry in the other log: by the same organization, under the same case. About nobody, so that a second run finds
/// nothing of the first.
fn followed(request: &ErasureRequest) -> Draft {
    Draft {
        kind: Kind::Erasure,
        method: registry::Method::ERASE_PERSON,
        purpose: registry::Purpose::SYSTEM_ADMINISTRATION,
        outcome: 0,
        categories: registry::Categories::AUDIT,
        holder: None,
        requester: OrgRef::new(&request.requester).ok(),
        references: References::default(),
        subject: None,
        actor: nobody(),
        detail: DetailBody {
            consent: ShortText::new(request.asked.case_reference.as_str()).unwrap_or_default(),
            ..DetailBody::default()
        },
    }
}
