//! The one function that turns a call into a permit.

use super::table::{Callers, ConsentRule, MethodPolicy, Needs, TokenNeeds};
use crate::names::{Acr, CredentialKind, Purpose, Role, Tier, scope};
use crate::organization::OrganizationUrn;
use crate::pairwise::{EncryptedSubjects, NotOurSubject, SubjectRef};
use crate::peer::ClientIdentity;
use crate::token::{Actor, Consented, Verified};

/// Why the policy says no. Depends on caller and token alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PolicyRefusal {
    /// No entry: to the caller the method does not exist.
    #[error("there is no such method")]
    UnknownMethod,
    /// The registry knows the organization as something else than its certificate says.
    #[error("the certificate and the registry name different kinds of organization")]
    KindMismatch,
    /// This kind of organization may not call the method.
    #[error("the organization may not call this method")]
    RoleNotAllowed,
    /// The method needs a presence.
    #[error("the method needs a presence token")]
    TokenMissing,
    /// The token is another caller's.
    #[error("the token is bound to another client certificate")]
    TokenBinding,
    /// The token ended between its check and now.
    #[error("the token has expired")]
    TokenExpired,
    /// The presence was not opened for this.
    #[error("the token does not carry the scope of this method")]
    ScopeMissing,
    /// No purpose stated, one that the method does not allow, or one that the presence was not opened for.
    #[error("the stated purpose is not allowed here")]
    PurposeNotAllowed,
    /// The holder was verified too weakly.
    #[error("the holder's verification is too weak for this method")]
    AcrTooLow,
    /// The presence does not reach that far.
    #[error("the presence does not reach this method")]
    TierLimited,
    /// The holder agreed to nothing that the method needs.
    #[error("the holder's consent is needed")]
    ConsentRequired,
    /// The request names another person than the token.
    #[error("the request names another person than the token")]
    SubjectMismatch,
}

impl PolicyRefusal {
    /// The public reason. `UnknownMethod` has none: it is UNIMPLEMENTED.
    pub const fn reason(self) -> &'static str {
        match self {
            Self::UnknownMethod => "",
            Self::KindMismatch => "ORG_IDENTITY_MISSING",
            Self::RoleNotAllowed => "ROLE_NOT_ALLOWED",
            Self::TokenMissing => "TOKEN_MISSING",
            Self::TokenBinding => "TOKEN_BINDING",
            Self::TokenExpired => "TOKEN_EXPIRED",
            Self::ScopeMissing => "SCOPE_MISSING",
            Self::PurposeNotAllowed => "PURPOSE_NOT_ALLOWED",
            Self::AcrTooLow => "ACR_TOO_LOW",
            Self::TierLimited => "TIER_LIMITED",
            Self::ConsentRequired => "CONSENT_REQUIRED",
            Self::SubjectMismatch => "SUBJECT_MISMATCH",
        }
    }
}

/// An organization whose certificate and registry entry agree on what it is.
#[derive(Clone, Copy, Debug)]
pub struct Caller<'a> {
    identity: &'a ClientIdentity,
}

impl<'a> Caller<'a> {
    /// Joins a certificate's name with the kind that the registry holds for it.
    pub fn new(identity: &'a ClientIdentity, registered: Role) -> Result<Self, PolicyRefusal> {
        if identity.claimed_role() == registered {
            Ok(Self { identity })
        } else {
            Err(PolicyRefusal::KindMismatch)
        }
    }

    /// What the organization is.
    pub fn role(&self) -> Role {
        self.identity.claimed_role()
    }

    /// Its certificate's names.
    pub fn identity(&self) -> &'a ClientIdentity {
        self.identity
    }
}

/// Permission for one call. Only [`authorize`] makes one.
#[derive(Clone, Debug)]
pub struct Permit {
    method: u16,
    organization: OrganizationUrn,
    thumbprint: [u8; 32],
    terminal: Option<String>,
    purpose: Option<Purpose>,
    subject: Option<Subject>,
}

/// The person whom a permit covers, as the token says.
#[derive(Clone, Debug)]
pub struct Subject {
    token: Verified,
    grants: Vec<Consented>,
}

/// Decides one call.
///
/// `method` is the method's entry, from [`lookup`](super::lookup); `token` what [`crate::token::TokenVerifier`] verified for this connection, `purpose`
/// what the request states, `now` Unix seconds. The checks run from what the caller is to what the person agreed to,
/// and the first that fails is the answer.
pub fn authorize(
    method: Option<&'static MethodPolicy>,
    caller: &Caller<'_>,
    token: Option<&Verified>,
    purpose: Option<Purpose>,
    now: i64,
) -> Result<Permit, PolicyRefusal> {
    let method = method.ok_or(PolicyRefusal::UnknownMethod)?;
    let callers = method
        .callers
        .iter()
        .find(|callers| callers.roles.contains(&caller.role()))
        .ok_or(PolicyRefusal::RoleNotAllowed)?;
    match (&method.needs, token) {
        (Needs::Token(needs) | Needs::TokenOptional(needs), Some(token)) => {
            let (purpose, subject) = with_token(needs, callers, *caller, token, purpose, now)?;
            Ok(permit(method, *caller, Some(purpose), Some(subject)))
        }
        (Needs::Token(_), None) => Err(PolicyRefusal::TokenMissing),
        (Needs::MutualTls, _) | (Needs::TokenOptional(_), None) => {
            Ok(permit(method, *caller, without_token(callers, purpose)?, None))
        }
    }
}

/// What an organization may open a presence for: purposes and scopes that Begin accepts from this role.
pub fn presentable(role: Role) -> (&'static [Purpose], &'static [&'static str]) {
    match role {
        Role::Clinic => (
            &[Purpose::Treat, Purpose::Hpaymt],
            &[
                scope::ELIGIBILITY_READ,
                scope::LINK_PROPOSE,
                scope::VACCINATION_READ,
                scope::VACCINATION_WRITE,
                scope::CHECKUP_READ,
                scope::CHECKUP_WRITE,
                scope::BIRTH_NOTIFY,
                scope::CARE_VERIFY,
            ],
        ),
        Role::Pharmacy => {
            (&[Purpose::Treat, Purpose::Hpaymt], &[scope::ELIGIBILITY_READ, scope::LINK_PROPOSE])
        }
        Role::Municipality => (
            &[Purpose::Hpaymt, Purpose::Patrqt, Purpose::Pubhlth],
            &[scope::LINK_WRITE, scope::ACCESS_READ, scope::CHECKUP_READ, scope::HANDOFF_ACCEPT],
        ),
        Role::Prefecture => (&[Purpose::Hpaymt, Purpose::Patrqt], &[scope::LINK_WRITE, scope::ACCESS_READ]),
        Role::App => (
            &[Purpose::Patrqt],
            &[
                scope::ELIGIBILITY_READ,
                scope::ACCESS_READ,
                scope::VACCINATION_READ,
                scope::CHECKUP_READ,
                scope::CHECKUP_WRITE,
            ],
        ),
        Role::Auditor | Role::Witness | Role::Operator | Role::Service => (&[], &[]),
    }
}

fn with_token(
    needs: &TokenNeeds,
    callers: &Callers,
    caller: Caller<'_>,
    token: &Verified,
    purpose: Option<Purpose>,
    now: i64,
) -> Result<(Purpose, Subject), PolicyRefusal> {
    let claims = token.claims();
    if !token.is_bound_to(caller.identity) || claims.role != caller.role() {
        return Err(PolicyRefusal::TokenBinding);
    }
    if claims.exp.get() <= now.saturating_sub(crate::token::SKEW) {
        return Err(PolicyRefusal::TokenExpired);
    }
    if !claims.scope.contains(needs.scope) {
        return Err(PolicyRefusal::ScopeMissing);
    }
    let stated = purpose
        .filter(|purpose| callers.purposes.contains(purpose) && claims.pou.contains(*purpose))
        .ok_or(PolicyRefusal::PurposeNotAllowed)?;
    if !needs.acr.contains(&claims.acr) {
        return Err(PolicyRefusal::AcrTooLow);
    }
    if !needs.tiers.contains(&claims.pres.tier) {
        return Err(PolicyRefusal::TierLimited);
    }
    let live = now < claims.cns.until.get();
    let grants = if live { claims.cns.grants.clone() } else { Vec::new() };
    if needs.consent == ConsentRule::AnyItem && grants.is_empty() {
        return Err(PolicyRefusal::ConsentRequired);
    }
    Ok((stated, Subject { token: token.clone(), grants }))
}

fn without_token(callers: &Callers, purpose: Option<Purpose>) -> Result<Option<Purpose>, PolicyRefusal> {
    match purpose {
        None => Ok(callers.purposes.first().copied()),
        Some(stated) if callers.purposes.contains(&stated) => Ok(purpose),
        Some(_) => Err(PolicyRefusal::PurposeNotAllowed),
    }
}

fn permit(
    method: &MethodPolicy,
    caller: Caller<'_>,
    purpose: Option<Purpose>,
    subject: Option<Subject>,
) -> Permit {
    Permit {
        method: method.number,
        organization: caller.identity.organization().clone(),
        thumbprint: *caller.identity.thumbprint(),
        terminal: caller.identity.terminal().map(str::to_owned),
        purpose,
        subject,
    }
}

impl Permit {
    /// The method's number in the log's registry.
    pub fn method(&self) -> u16 {
        self.method
    }

    /// Who calls.
    pub fn organization(&self) -> &OrganizationUrn {
        &self.organization
    }

    /// What the caller is.
    pub fn role(&self) -> Role {
        self.organization.role()
    }

    /// SHA-256 of the caller's certificate.
    pub fn thumbprint(&self) -> &[u8; 32] {
        &self.thumbprint
    }

    /// The device, if the certificate names one.
    pub fn terminal(&self) -> Option<&str> {
        self.terminal.as_deref()
    }

    /// What for; `None` only for methods that have no purposes.
    pub fn purpose(&self) -> Option<Purpose> {
        self.purpose
    }

    /// The person, on calls with a token.
    pub fn subject(&self) -> Option<&Subject> {
        self.subject.as_ref()
    }
}

impl Subject {
    /// The person's pairwise id before the caller.
    pub fn sub(&self) -> &str {
        self.token.claims().sub.as_str()
    }

    /// The sealed store id.
    pub fn esub(&self) -> &str {
        self.token.claims().esub.as_str()
    }

    /// Opens the store id; fails for a token that another installation sealed.
    pub fn open(&self, keys: &EncryptedSubjects) -> Result<SubjectRef, NotOurSubject> {
        let claims = self.token.claims();
        keys.open(self.esub(), &claims.jti.to_string(), claims.client_id.as_str())
    }

    /// Refuses a request whose body names another person. An absent name is the token's own.
    pub fn require_same(&self, named: Option<&str>) -> Result<(), PolicyRefusal> {
        match named {
            Some(named) if named != self.sub() => Err(PolicyRefusal::SubjectMismatch),
            _ => Ok(()),
        }
    }

    /// What the person agreed to and has not outlived; empty when nothing.
    pub fn grants(&self) -> &[Consented] {
        &self.grants
    }

    /// The gateway's reference of the consent.
    pub fn consent_ref(&self) -> &str {
        &self.token.claims().cns.r#ref
    }

    /// How far the presence reaches.
    pub fn tier(&self) -> Tier {
        self.token.claims().pres.tier
    }

    /// How the holder was verified.
    pub fn acr(&self) -> Acr {
        self.token.claims().acr
    }

    /// Card or phone.
    pub fn credential(&self) -> CredentialKind {
        self.token.claims().pres.cred
    }

    /// The token's name as it is spelt in the token; the log keeps its SHA-256.
    pub fn jti(&self) -> String {
        self.token.claims().jti.to_string()
    }

    /// Public id of the presence.
    pub fn presence_id(&self) -> [u8; 16] {
        self.token.claims().pres.id.0
    }

    /// A guardian or a member of staff who acts for the person.
    pub fn actor(&self) -> Option<&Actor> {
        self.token.claims().act.as_ref()
    }

    /// The verified relation on which a guardian acts.
    pub fn relation(&self) -> Option<&str> {
        self.token.claims().rel.as_deref()
    }

    /// When the token ends, Unix seconds; a stream ends no later.
    pub fn expires_at(&self) -> i64 {
        self.token.claims().exp.get()
    }
}
