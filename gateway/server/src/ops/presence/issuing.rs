//! Tokens, and the entries in auth's log about them.

use std::sync::Arc;

use pmh_audit::{Kind, registry};
use pmh_auth::{
    names::{Acr, CredentialKind, Purpose, Tier},
    policy::Permit,
    token::{
        Actor, Bytes, Consent, Consented, IssuedToken, Purposes, Scopes, Seconds, TokenRequest, Version,
    },
};
use pmh_proto::common::Reason;
use pmh_store::{Conclusion, Draft, EntrySubject, Person, Reply};
use sha2::{Digest as _, Sha256};

use super::Remembered;
use crate::{
    ops::{
        Call, Gateway,
        call::short_text,
        refusals::{reason_number, refused},
    },
    rpc::status::Refusal,
};

/// Whom a token is for.
pub(super) struct Opened {
    pub(super) holder: Person,
    pub(super) person: Person,
    pub(super) pres_id: [u8; 16],
    pub(super) until: i64,
}

/// Issues tokens inside the recorded step. All randomness is drawn before, so
/// that a repeated step makes the same token.
pub(super) struct Issuing {
    pub(super) gateway: Arc<Gateway>,
    pub(super) call: Call,
    pub(super) random: [u8; 64],
    pub(super) permit: Permit,
}

impl Issuing {
    pub(super) fn issue(
        &self,
        kept: &Remembered,
        opened: &Opened,
        render: impl FnOnce(IssuedToken) -> Vec<u8>,
    ) -> Conclusion<Refusal> {
        let Some(request) = self.request(kept, opened) else {
            return self.refuse(Reason::Internal, Some(opened.person));
        };
        let mut random = self.random.iter().copied();
        let mut draw = |bytes: &mut [u8]| {
            for (to, from) in bytes.iter_mut().zip(&mut random) {
                *to = from;
            }
        };
        let now = self.call.now.as_second();
        match self.gateway.signer.issue(&request, &self.gateway.encrypted_subjects, now, &mut draw) {
            Ok(token) => {
                let jti = Bytes(token.jti).to_string();
                let mut conclusion = self.record(Some(opened.person), render(token));
                if let Some(draft) = &mut conclusion.draft {
                    draft.actor.jti_sha256 = Sha256::digest(jti).into();
                    draft.actor.acr = registry::Acr(request.acr.number());
                    draft.actor.tier = registry::Tier(request.tier.number());
                    draft.detail.consent = short_text(&kept.consent_ref);
                }
                conclusion
            }
            Err(_) => self.refuse(Reason::PresenceEnded, Some(opened.person)),
        }
    }

    fn request(&self, kept: &Remembered, opened: &Opened) -> Option<TokenRequest> {
        let organization = self.permit.organization().clone();
        let gateway = &self.gateway;
        let sub = gateway.pairwise.sub(&opened.person, organization.as_str());
        let actor = (opened.holder != opened.person)
            .then(|| Actor { sub: gateway.pairwise.sub(&opened.holder, organization.as_str()), duty: None });
        let relation = actor.is_some().then(|| "guardian".to_owned());
        let grants = kept.grants.iter().filter_map(|group| Consented::try_from(group.clone()).ok()).collect();
        Some(TokenRequest {
            thumbprint: *self.permit.thumbprint(),
            sub,
            subject_ref: gateway.subject_refs.subject_ref(&opened.person),
            scopes: Scopes::new(kept.scopes.iter().cloned())?,
            purposes: Purposes::new(kept.purposes.iter().filter_map(|purpose| Purpose::parse(purpose)))?,
            consent: Consent {
                ver: Version,
                grants,
                until: Seconds::new(opened.until)?,
                r#ref: kept.consent_ref.clone(),
            },
            acr: Acr::parse(&kept.acr)?,
            auth_time: kept.auth_time,
            presence_id: opened.pres_id,
            tier: Tier::parse(&kept.tier)?,
            credential: CredentialKind::Card,
            actor,
            relation,
            break_glass: None,
            not_after: opened.until,
            organization,
        })
    }

    /// Children by pairwise handle; a presence that is a child's names no siblings.
    pub(super) fn dependants(
        &self,
        children: &[(Person, String)],
        for_holder: bool,
    ) -> Vec<(String, String)> {
        if !for_holder {
            return Vec::new();
        }
        let sector = self.permit.organization().as_str();
        let handle =
            |(child, birth): &(Person, String)| (self.gateway.pairwise.sub(child, sector), birth.clone());
        children.iter().map(handle).collect()
    }

    pub(super) fn record(&self, person: Option<Person>, answer: Vec<u8>) -> Conclusion<Refusal> {
        let draft = self.draft(Kind::PresentationOrToken, person, Sha256::digest(&answer).into());
        Conclusion { reply: Reply::Answer(answer), draft: Some(draft) }
    }

    /// A refusal that names nobody gets its record, if it gets one, where all refusals do.
    pub(super) fn refuse(&self, reason: Reason, person: Option<Person>) -> Conclusion<Refusal> {
        if person.is_none() {
            return refused(reason);
        }
        let refusal = Refusal::new(reason).with_request_id(self.call.request_id());
        let mut draft = self.draft(Kind::Refusal, person, refusal.digest());
        draft.outcome = reason_number(reason);
        Conclusion { reply: Reply::Refused(refusal), draft: Some(draft) }
    }

    fn draft(&self, kind: Kind, person: Option<Person>, response_sha256: [u8; 32]) -> Draft {
        let mut draft = self.call.draft(kind, registry::Categories::IDENTITY, None, response_sha256);
        draft.subject = person.map(|person| EntrySubject {
            reference: self.gateway.subject_refs.subject_ref(&person),
            sub: self.gateway.pairwise.sub(&person, self.permit.organization().as_str()),
            also: Vec::new(),
        });
        draft
    }
}
