//! Presentations and tokens: a card that signs becomes a presence, a presence
//! becomes tokens of five minutes (identity.md §6–7).

mod change;
mod issuing;

pub use change::{PresenceAnswer, PresenceCall, change};

use std::sync::Arc;

use pmh_audit::{Kind, registry};
use pmh_auth::{
    card::{CardState, VerifiedCard, verify_certificate, verify_presentation},
    challenge::{Challenge, Wish},
    names::{Acr, Purpose, Role, Tier, UserVerification},
    policy::{Permit, presentable},
    reader::{ReaderAssertion, establish},
    token::{Bytes, IssuedToken},
};
use pmh_domain::time::tokyo_date;
use pmh_proto::common::Reason;
use pmh_store::{Admission, Admitted, Concluding, Conclusion, EntrySubject, Person, PresenceRow, Reply};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::{
    Call, Gateway,
    refusals::{reason_number, settled},
    unavailable,
};
use crate::rpc::{receipt, status::Refusal};
use issuing::{Issuing, Opened};

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
        Err(refusal) if may_be_recorded(&refusal) => {
            Err(record_of_card(gateway, call, cred_hash, refusal).await)
        }
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
                    also: Vec::new(),
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

fn remembered(body: &str) -> Option<Remembered> {
    serde_json::from_str(body).ok()
}
