//! Guardians' lists follow the relations that auth keeps.
//!
//! A relation lives in both databases and no transaction spans them: auth's opens the child, the gateway's says whose
//! list takes the entries about the child. The gateway's half is always made from what auth holds now, so it may run
//! again and a late repetition brings nothing back.

use std::sync::Arc;

use pmh_audit::{Kind, OrgRef, registry};
use pmh_proto::common::Reason;
use pmh_store::{Concluding, Conclusion, Draft, GuardianChange, Relation, Reply, SubjectRef};
use sha2::{Digest as _, Sha256};

use crate::{
    ops::{
        Call, Gateway,
        refusals::{refused, settled},
        unavailable,
    },
    rpc::status::Refusal,
};

impl Gateway {
    /// Brings a guardian's list up to the relation that auth holds. What begins or ends the list is one kind of entry,
    /// whatever the reason: a guardian cannot tell a restriction from an ordinary end.
    pub(in crate::ops) async fn follow_relation(
        self: &Arc<Self>,
        call: &Call,
        child: SubjectRef,
        guardian: SubjectRef,
        issuer: &str,
    ) -> Result<(), Refusal> {
        let Some(relation) = self.relation(child, guardian, issuer).await? else { return Ok(()) };
        let change = GuardianChange {
            child,
            guardian,
            issuer: relation.issuer,
            until: relation.until,
            ended: relation.ended,
        };
        let draft = self.relation_entry(call, child);
        let recorded = self
            .store
            .put_guardian(self.attempt(), change, move |concluding| match concluding {
                Concluding::Fresh(changed) => {
                    let draft = changed.then(|| draft.clone());
                    Conclusion { reply: Reply::Answer(Vec::new()), draft }
                }
                Concluding::Replay(_) | Concluding::KeyReused => refused(Reason::Internal),
            })
            .await
            .map_err(|fault| unavailable(&fault))?;
        settled(recorded).map(drop)
    }

    /// A restriction is set: every guardian's relation to the child ends, in both databases, as if the municipality had
    /// ended it. Those that shall go on are stated again.
    pub(in crate::ops) async fn end_guardianships(
        self: &Arc<Self>,
        call: &Call,
        child: SubjectRef,
    ) -> Result<(), Refusal> {
        let relations = self.store.reader().relations_of(child).await.map_err(|fault| unavailable(&fault))?;
        for (child, guardian, issuer) in &relations {
            if let Some(relation) = self.relation(*child, *guardian, issuer).await?
                && !relation.ended
            {
                self.end_relation(call, *child, relation).await?;
            }
            self.follow_relation(call, *child, *guardian, issuer).await?;
        }
        if relations.is_empty() {
            return Ok(());
        }
        self.refresh_denied().await.map_err(|fault| unavailable(&fault))
    }

    async fn end_relation(&self, call: &Call, child: SubjectRef, relation: Relation) -> Result<(), Refusal> {
        let draft = self.relation_entry(call, child);
        let over = Relation { ended: true, ..relation };
        let recorded = self
            .auth
            .put_relation(self.attempt(), over, move |concluding| match concluding {
                Concluding::Fresh(()) => {
                    Conclusion { reply: Reply::Answer(Vec::new()), draft: Some(draft.clone()) }
                }
                Concluding::Replay(_) | Concluding::KeyReused => refused(Reason::Internal),
            })
            .await
            .map_err(|fault| unavailable(&fault))?;
        settled(recorded).map(drop)
    }

    /// The relation as auth holds it.
    async fn relation(
        &self,
        child: SubjectRef,
        guardian: SubjectRef,
        issuer: &str,
    ) -> Result<Option<Relation>, Refusal> {
        let person = |reference: &SubjectRef| {
            self.subject_refs.open_subject_ref(reference).map_err(|_| Refusal::new(Reason::Internal))
        };
        let (guardian, child) = (person(&guardian)?, person(&child)?);
        self.auth.reader().relation(guardian, child, issuer).await.map_err(|fault| unavailable(&fault))
    }

    fn relation_entry(&self, call: &Call, child: SubjectRef) -> Draft {
        let nothing = Sha256::digest([]).into();
        let mut draft = call.draft(Kind::RegistryChange, registry::Categories::IDENTITY, None, nothing);
        draft.method = registry::Method::PUT_RELATION;
        draft.holder = OrgRef::new(call.short()).ok();
        draft.subject = self.entry_subject(child, call.peer.urn());
        draft
    }
}
