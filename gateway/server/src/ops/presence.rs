//! Presentations and tokens: a card that signs becomes a presence, a presence
//! becomes tokens of five minutes (identity.md §6–7).

use pmh_audit::{Kind, registry};
use pmh_auth::{
    card::{CardState, VerifiedCard, verify_certificate, verify_presentation},
    challenge::{Challenge, Wish},
    names::{Acr, CredentialKind, Purpose, Role, Tier, UserVerification},
    policy::{Permit, presentable},
    reader::{ReaderAssertion, establish},
    token::{
        Actor, Bytes, Consent, Consented, IssuedToken, Purposes, Scopes, Seconds, TokenRequest, Version,
    },
};
use pmh_domain::time::tokyo_date;
use pmh_proto::common::Reason;
use pmh_store::{
    Admission, Admitted, Concluding, Conclusion, Draft, EntrySubject, Person, PresenceRow, PresenceUpdate,
    Reply,
};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use std::sync::Arc;

use super::{
    Call, Carried, Gateway,
    call::short_text,
    refusals::{reason_number, refused, settled},
    unavailable,
};
use crate::rpc::{receipt, status::Refusal};

/// What a terminal wants to present for.
#[derive(Debug, Clone)]
pub struct Beginning {
    /// As in its certificate.
    pub terminal: String,
    /// Purposes.
    pub purposes: Vec<Purpose>,
    /// Scopes.
    pub scopes: Vec<String>,
    /// SHA-256 of the consent text on the screen.
    pub consent_text_sha256: [u8; 32],
    /// Scheme groups offered there.
    pub offered: Vec<String>,
    /// How the holder will be verified.
    pub wanted: UserVerification,
}

/// What the terminal brings back.
#[derive(Clone)]
pub struct Completion {
    /// From Begin.
    pub sealed_state: Vec<u8>,
    /// Card certificate, DER.
    pub certificate: Vec<u8>,
    /// Card signature.
    pub signature: Vec<u8>,
    /// How the holder was verified.
    pub used: UserVerification,
    /// Groups granted.
    pub granted: Vec<String>,
    /// Reader's JWS and certificate.
    pub reader: Option<(String, Vec<u8>)>,
    /// Handle of a child.
    pub act_for: Option<String>,
}

/// A challenge for the card.
#[derive(Clone)]
pub struct Begun {
    /// Text to sign.
    pub to_be_signed: Vec<u8>,
    /// Opaque state.
    pub sealed_state: Vec<u8>,
    /// Unix seconds.
    pub expires_at: i64,
}

/// A presence and its first token.
#[derive(Clone)]
pub struct Completed {
    /// First token.
    pub token: IssuedToken,
    /// Secret handle.
    pub handle: [u8; 32],
    /// Unix seconds.
    pub until: i64,
    /// Tier.
    pub tier: Tier,
    /// No issuer has linked this card.
    pub unlinked: bool,
    /// Handle and birth date of each child.
    pub dependants: Vec<(String, String)>,
}

/// What is remembered of a presence, in the auth database.
#[derive(Clone, Serialize, Deserialize)]
struct Remembered {
    purposes: Vec<String>,
    scopes: Vec<String>,
    grants: Vec<String>,
    consent_ref: String,
    acr: String,
    tier: String,
    auth_time: i64,
}

/// Writes nothing: what was decided travels to the terminal and back, sealed.
pub fn begin(gateway: &Gateway, call: &Call, permit: &Permit, wish: Beginning) -> Result<Begun, Refusal> {
    let (purposes, scopes) = presentable(permit.role());
    if !wish.purposes.iter().all(|purpose| purposes.contains(purpose)) || wish.purposes.is_empty() {
        return Err(Refusal::new(Reason::PurposeNotAllowed));
    }
    if !wish.scopes.iter().all(|scope| scopes.contains(&scope.as_str())) || wish.scopes.is_empty() {
        return Err(Refusal::new(Reason::ScopeMissing));
    }
    if permit.terminal() != Some(wish.terminal.as_str()) {
        return Err(Refusal::invalid_fields(vec![]).with_field("terminal_id", Reason::Value));
    }
    let consent_digest = pmh_auth::challenge::consent_digest(&wish.consent_text_sha256, &wish.offered);
    let wish = Wish {
        purposes: wish.purposes,
        scopes: wish.scopes,
        offered: wish.offered,
        consent_digest,
        wanted: wish.wanted,
    };
    let mut random = |bytes: &mut [u8]| (gateway.random)(bytes);
    let now = call.now.as_second();
    let challenge = Challenge::new(&gateway.issuer, call.peer.identity(), wish, now, &mut random);
    let too_long = |()| Refusal::invalid_fields(vec![]).with_field("offer.groups", Reason::Width);
    Ok(Begun {
        to_be_signed: challenge.encode().map_err(|_| too_long(()))?,
        sealed_state: gateway.challenge.seal(&challenge, &mut random).map_err(|_| too_long(()))?,
        expires_at: challenge.to_be_signed().expires_at,
    })
}

/// Checks cheap things first (identity.md §6.3), then admits and issues in one
/// recorded step.
pub async fn complete(
    gateway: &Arc<Gateway>,
    call: &Call,
    permit: Permit,
    completion: Completion,
    render: impl Fn(&Completed) -> Vec<u8> + Send + 'static,
) -> Result<(Vec<u8>, Option<pmh_audit::Receipt>), Refusal> {
    let now = call.now.as_second();
    let challenge = gateway
        .challenge
        .open(&completion.sealed_state, call.peer.identity(), now)
        .map_err(|error| Refusal::named(error.reason()))?;
    let card = verified_certificate(gateway, &completion, now)?;
    let cred_hash = gateway.credentials.credential_hash(card.credential_digest());
    match admit(gateway, call, permit, &challenge, card, completion, render).await {
        Err(refusal) if may_be_recorded(&refusal) => Err(record_of_card(gateway, call, cred_hash, refusal).await),
        settled => settled,
    }
}

/// From a genuine certificate on: its holder is told of what is refused.
async fn admit(
    gateway: &Arc<Gateway>,
    call: &Call,
    permit: Permit,
    challenge: &Challenge,
    card: VerifiedCard,
    completion: Completion,
    render: impl Fn(&Completed) -> Vec<u8> + Send + 'static,
) -> Result<(Vec<u8>, Option<pmh_audit::Receipt>), Refusal> {
    let now = call.now.as_second();
    let text = challenge.encode().map_err(|_| Refusal::new(Reason::ChallengeInvalid))?;
    let card = verify_presentation(card, &text, &completion.signature)
        .map_err(|error| Refusal::named(error.reason()))?;
    let acr = verification(gateway, challenge, &completion, now)?;
    let grants = granted(challenge, completion.granted)?;
    let organization = permit.organization().clone();
    let act_for = match completion.act_for {
        None => None,
        Some(handle) => Some(
            gateway
                .pairwise
                .open(&handle, organization.as_str())
                .map_err(|_| Refusal::new(Reason::SubjectMismatch))?,
        ),
    };
    let handle: [u8; 32] = gateway.random_bytes();
    let until = now + presence_life(permit.role());
    let remembered = Remembered {
        purposes: challenge.to_be_signed().purposes.iter().map(|p| p.as_str().to_owned()).collect(),
        scopes: challenge.scopes().to_vec(),
        consent_ref: if grants.is_empty() { String::new() } else { reference(gateway.random_bytes()) },
        grants,
        acr: acr.as_str().to_owned(),
        tier: card.card().tier().as_str().to_owned(),
        auth_time: now,
    };
    let admission = Admission {
        nonce_hash: challenge.nonce_hash(),
        nonce_expires_us: (challenge.to_be_signed().expires_at + 60) * 1_000_000,
        cred_hash: gateway.credentials.credential_hash(card.card().credential_digest()),
        not_after_us: card.card().not_after().saturating_mul(1_000_000),
        new_person: gateway.random_bytes(),
        act_for,
        today: tokyo_date(call.now).to_string(),
        presence: PresenceRow {
            handle_hash: Sha256::digest(handle).into(),
            pres_id: gateway.random_bytes(),
            organization: organization.short().to_owned(),
            holder: Person::default(),
            person: Person::default(),
            body: serde_json::to_string(&remembered).map_err(|_| Refusal::new(Reason::Internal))?,
            until_us: until * 1_000_000,
            ended: false,
        },
    };
    let attempt = gateway.attempt();
    let issuing =
        Issuing { gateway: Arc::clone(gateway), call: call.clone(), random: gateway.random_bytes(), permit };
    let pres_id = admission.presence.pres_id;
    let recorded = gateway
        .auth
        .admit(attempt, admission, move |concluding| {
            let Concluding::Fresh(admitted) = concluding else {
                return issuing.refuse(Reason::Internal, None);
            };
            match admitted {
                Admitted::Replayed => issuing.refuse(Reason::ChallengeInvalid, None),
                Admitted::NoRelation => issuing.refuse(Reason::SubjectMismatch, None),
                Admitted::Present { holder, person, linked, children } => {
                    let presence = Opened { holder, person, pres_id, until };
                    issuing.issue(&remembered, &presence, |token| {
                        render(&Completed {
                            token,
                            handle,
                            until,
                            tier: Tier::parse(&remembered.tier).unwrap_or(Tier::Grace),
                            unlinked: !linked,
                            dependants: issuing.dependants(&children, holder == person),
                        })
                    })
                }
            }
        })
        .await
        .map_err(|fault| unavailable(&fault))?;
    settled(recorded)
}

/// What a caller may do with a living presence.
#[derive(Debug, Clone)]
pub enum PresenceCall {
    /// A new token, optionally for a child.
    Renew {
        /// Handle of the child.
        act_for: Option<String>,
    },
    /// Drop groups (or `*`) and purposes.
    Narrow {
        /// Groups.
        withdraw: Vec<String>,
        /// Purposes.
        drop: Vec<Purpose>,
    },
    /// End.
    End,
}

/// What came of it.
#[derive(Clone)]
pub enum PresenceAnswer {
    /// New token.
    Token(IssuedToken),
    /// Groups still granted.
    Groups(Vec<String>),
    /// Ended.
    Ended,
}

/// Renews, narrows or ends.
pub async fn change(
    gateway: &Arc<Gateway>,
    call: &Call,
    permit: Permit,
    handle: &[u8],
    wish: PresenceCall,
    render: impl Fn(&PresenceAnswer) -> Vec<u8> + Send + 'static,
) -> Result<(Vec<u8>, Option<pmh_audit::Receipt>), Refusal> {
    let handle_hash: [u8; 32] = Sha256::digest(handle).into();
    let organization = permit.organization().short().to_owned();
    let issuing =
        Issuing { gateway: Arc::clone(gateway), call: call.clone(), random: gateway.random_bytes(), permit };
    // Held until the narrowed body is committed: of two withdrawals none is lost.
    let _alone = match &wish {
        PresenceCall::Narrow { .. } => Some(gateway.narrowing.lock().await),
        PresenceCall::Renew { .. } | PresenceCall::End => None,
    };
    let update = match &wish {
        PresenceCall::Renew { act_for } => PresenceUpdate::Renew {
            act_for: act_for
                .as_ref()
                .map(|child| gateway.pairwise.open(child, issuing.permit.organization().as_str()))
                .transpose()
                .map_err(|_| Refusal::new(Reason::SubjectMismatch))?,
            today: tokyo_date(call.now).to_string(),
        },
        PresenceCall::Narrow { withdraw, drop } => {
            let living = living_presence(gateway, handle_hash, &organization).await?;
            let body = narrowed(&living, withdraw, drop)?;
            PresenceUpdate::Narrow { body, pres_id: gateway.random_bytes() }
        }
        PresenceCall::End => PresenceUpdate::End,
    };
    let denied = Carried::default();
    let ended = denied.clone();
    let narrowed_body = match &update {
        PresenceUpdate::Narrow { body, .. } => Some(body.clone()),
        _ => None,
    };
    let recorded = gateway
        .auth
        .update_presence(gateway.attempt(), handle_hash, organization, update, move |concluding| {
            let Concluding::Fresh(found) = concluding else { return issuing.refuse(Reason::Internal, None) };
            let Some(presence) = found else { return issuing.refuse(Reason::PresenceEnded, None) };
            let named = Some(presence.person);
            match &wish {
                PresenceCall::End => {
                    ended.put(presence.pres_id);
                    issuing.record(named, render(&PresenceAnswer::Ended))
                }
                _ if presence.ended => issuing.refuse(Reason::PresenceEnded, named),
                PresenceCall::Narrow { .. } => {
                    ended.put(presence.pres_id);
                    let groups = narrowed_body.as_deref().and_then(remembered).map(|kept| kept.grants);
                    issuing.record(named, render(&PresenceAnswer::Groups(groups.unwrap_or_default())))
                }
                PresenceCall::Renew { .. } => {
                    let Some(kept) = remembered(&presence.body) else {
                        return issuing.refuse(Reason::Internal, named);
                    };
                    let opened = Opened {
                        holder: presence.holder,
                        person: presence.person,
                        pres_id: presence.pres_id,
                        until: presence.until_us.div_euclid(1_000_000),
                    };
                    issuing.issue(&kept, &opened, |token| render(&PresenceAnswer::Token(token)))
                }
            }
        })
        .await
        .map_err(|fault| unavailable(&fault))?;
    let answer = settled(recorded);
    if let (Ok(_), Some(pres_id)) = (&answer, denied.take()) {
        gateway.deny_presence(pres_id);
    }
    answer
}

fn remembered(body: &str) -> Option<Remembered> {
    serde_json::from_str(body).ok()
}

async fn living_presence(
    gateway: &Gateway,
    handle_hash: [u8; 32],
    organization: &str,
) -> Result<Remembered, Refusal> {
    let found = gateway
        .auth
        .reader()
        .presence_body(handle_hash, organization, gateway.now_us())
        .await
        .map_err(|fault| unavailable(&fault))?;
    found.as_deref().and_then(remembered).ok_or_else(|| Refusal::new(Reason::PresenceEnded))
}

/// Only ever less: a group or purpose that is not there is no error.
fn narrowed(living: &Remembered, withdraw: &[String], drop: &[Purpose]) -> Result<String, Refusal> {
    let mut kept = living.clone();
    // "All but one" has no form in a token, so it becomes nothing: a withdrawal never leaves what it names.
    let names_all = |groups: &[String]| groups.iter().any(|group| group == "*");
    let all = names_all(withdraw) || (!withdraw.is_empty() && names_all(&kept.grants));
    kept.grants.retain(|group| !all && !withdraw.contains(group));
    kept.purposes.retain(|purpose| !drop.iter().any(|dropped| dropped.as_str() == purpose));
    if kept.purposes.is_empty() {
        return Err(Refusal::invalid_fields(vec![]).with_field("drop_purposes", Reason::Value));
    }
    if kept.grants.is_empty() {
        kept.consent_ref = String::new();
    }
    serde_json::to_string(&kept).map_err(|_| Refusal::new(Reason::Internal))
}

fn verified_certificate(
    gateway: &Gateway,
    completion: &Completion,
    now: i64,
) -> Result<VerifiedCard, Refusal> {
    let revocations = gateway.revocations.load();
    let card = verify_certificate(
        &completion.certificate,
        &gateway.card_cas,
        &gateway.card_profile,
        &revocations,
        now,
    )
    .map_err(|error| Refusal::named(error.reason()))?;
    if let CardState::Grace(cause) = card.state() {
        tracing::debug!(?cause, "card in grace");
    }
    Ok(card)
}

/// Has no record yet, and is not about our own inability to make one.
fn may_be_recorded(refusal: &Refusal) -> bool {
    !refusal.has_receipt() && refusal.code() != tonic::Code::Unavailable
}

/// The entry of a refusal that a genuine card certificate came with (design.md §6.9).
///
/// A certificate is no secret, so whoever only has a copy must learn nothing: the
/// receipt opens no subject, and comes whether the card was ever seen or not.
async fn record_of_card(
    gateway: &Arc<Gateway>,
    call: &Call,
    cred_hash: [u8; 32],
    refusal: Refusal,
) -> Refusal {
    let refusal = refusal.with_request_id(call.request_id());
    let mut draft = call.draft(Kind::Refusal, registry::Categories::IDENTITY, None, refusal.digest());
    draft.outcome = reason_number(refusal.reason());
    let (keeper, sector, refused) = (Arc::clone(gateway), call.peer.urn().to_owned(), refusal.clone());
    let recorded = gateway
        .auth
        .note_credential(gateway.attempt(), cred_hash, move |concluding| {
            let mut draft = draft.clone();
            if let Concluding::Fresh(Some(person)) = concluding {
                draft.subject = Some(EntrySubject {
                    reference: keeper.subject_refs.subject_ref(&person),
                    sub: keeper.pairwise.sub(&person, &sector),
                });
            }
            Conclusion { reply: Reply::Refused(refused.clone()), draft: Some(draft) }
        })
        .await;
    match recorded.map(pmh_store::Recorded::into_parts) {
        Ok((_, Some(mut proof))) => {
            proof.subject = None;
            refusal.with_receipt(receipt::to_proto(proof))
        }
        Ok((_, None)) => Refusal::new(Reason::Internal).with_request_id(call.request_id()),
        Err(fault) => unavailable(&fault),
    }
}

fn verification(
    gateway: &Gateway,
    challenge: &Challenge,
    completion: &Completion,
    now: i64,
) -> Result<Acr, Refusal> {
    if completion.used != challenge.to_be_signed().wanted {
        return Err(Refusal::new(Reason::ChallengeInvalid));
    }
    let refuse = |error: pmh_auth::reader::ReaderError| Refusal::named(error.reason());
    let statement = match &completion.reader {
        None => None,
        Some((jws, certificate)) => {
            let assertion = ReaderAssertion { jws, certificate, intermediate: None };
            Some(gateway.readers.verify(&assertion, &challenge.to_be_signed().nonce, now).map_err(refuse)?)
        }
    };
    establish(completion.used, statement.as_ref(), None, now).map_err(refuse)
}

/// An answer may name no group that was not offered.
fn granted(challenge: &Challenge, granted: Vec<String>) -> Result<Vec<String>, Refusal> {
    let offered = challenge.offered();
    let covers = |group: &String| offered.contains(group) || offered.iter().any(|item| item == "*");
    if granted.iter().all(covers) {
        Ok(granted)
    } else {
        Err(Refusal::invalid_fields(vec![]).with_field("answer.groups", Reason::Value))
    }
}

/// identity.md §6.6.
fn presence_life(role: Role) -> i64 {
    match role {
        Role::Municipality | Role::Prefecture => 2 * 3600,
        Role::App => 12 * 3600,
        _ => 24 * 3600,
    }
}

fn reference(random: [u8; 16]) -> String {
    Bytes(random).to_string()
}

/// Whom a token is for.
struct Opened {
    holder: Person,
    person: Person,
    pres_id: [u8; 16],
    until: i64,
}

/// Issues tokens inside the recorded step. All randomness is drawn before, so
/// that a repeated step makes the same token.
struct Issuing {
    gateway: Arc<Gateway>,
    call: Call,
    random: [u8; 64],
    permit: Permit,
}

impl Issuing {
    fn issue(
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
    fn dependants(&self, children: &[(Person, String)], for_holder: bool) -> Vec<(String, String)> {
        if !for_holder {
            return Vec::new();
        }
        let sector = self.permit.organization().as_str();
        let handle =
            |(child, birth): &(Person, String)| (self.gateway.pairwise.sub(child, sector), birth.clone());
        children.iter().map(handle).collect()
    }

    fn record(&self, person: Option<Person>, answer: Vec<u8>) -> Conclusion<Refusal> {
        let draft = self.draft(Kind::PresentationOrToken, person, Sha256::digest(&answer).into());
        Conclusion { reply: Reply::Answer(answer), draft: Some(draft) }
    }

    /// A refusal that names nobody gets its record, if it gets one, where all refusals do.
    fn refuse(&self, reason: Reason, person: Option<Person>) -> Conclusion<Refusal> {
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
        });
        draft
    }
}
