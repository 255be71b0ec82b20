//! One call as the operations see it: who, from which terminal, with which
//! token, for which request. And the two ways it can end: recorded or refused.

use std::sync::Arc;

use jiff::Timestamp;
use pmh_audit::{ActorBody, DetailBody, Kind, OrgRef, References, ShortText, registry};
use pmh_auth::{
    names::Purpose,
    policy::{self, Caller, MethodPolicy, Needs, Permit},
    token::{Claims, SignedToken, TokenError, Verified, bearer},
};
use pmh_domain::organization::{IssuerId, OrganizationId};
use pmh_proto::common::Reason;
use pmh_store::{Draft, EntrySubject, Idempotency};
use sha2::{Digest as _, Sha256};

use super::{Gateway, verify::purpose_number};
use crate::{
    edge::{CallInfo, Peer, RequestId},
    rpc::status::Refusal,
};

/// A call whose organization the edge has identified.
#[derive(Clone)]
pub struct Call {
    /// Who calls.
    pub peer: Arc<Peer>,
    /// Name and deadline.
    pub info: CallInfo,
    /// Full gRPC path: the key of the policy table.
    pub path: &'static str,
    /// SHA-256 of the encoded request.
    pub request_sha256: [u8; 32],
    /// The instant everything in this call is decided for.
    pub now: Timestamp,
    /// What the policy says of the method; `None` if there is no such.
    method: Option<&'static MethodPolicy>,
    token: Presented,
    operator: Operator,
}

/// The operating member of staff, by the organization's own pseudonym; empty if
/// it names none. Or what is wrong with it.
pub type Operator = Result<ShortText, Reason>;

/// What came in `authorization`.
#[derive(Clone)]
enum Presented {
    Nothing,
    /// Of ours, in time, on its own connection.
    Usable(Verified),
    /// Of ours, but not usable here and now: the person it names is told.
    Genuine(SignedToken, TokenError),
    Foreign(TokenError),
}

/// A person whose genuine token came along, wanted or not.
#[derive(Clone)]
pub(crate) struct Named {
    pub(crate) subject: EntrySubject,
    jti_sha256: [u8; 32],
    acr: registry::Acr,
    tier: registry::Tier,
    consent: ShortText,
}

impl Call {
    /// Looks at the headers of a call. Never fails: what is wrong with a token
    /// matters only to methods that need one.
    pub fn new(
        gateway: &Gateway,
        peer: Arc<Peer>,
        info: CallInfo,
        path: &'static str,
        authorization: &[&[u8]],
        request_sha256: [u8; 32],
    ) -> Self {
        let token = Presented::read(gateway, &peer, authorization);
        let operator = Ok(ShortText::default());
        let method = policy::lookup(path);
        Self { peer, info, path, request_sha256, now: gateway.now(), method, token, operator }
    }

    /// The same call by a member of staff. What is wrong with the pseudonym is
    /// told when the call is authorized, so that the refusal is recorded.
    #[must_use]
    pub fn by(mut self, operator: Operator) -> Self {
        self.operator = operator;
        self
    }

    /// Pseudonym of the member of staff; empty if none.
    pub(crate) fn operator(&self) -> &str {
        self.operator.as_ref().map_or("", ShortText::as_str)
    }

    /// The same call about one chunk of its stream.
    #[must_use]
    pub fn about(mut self, request_sha256: [u8; 32]) -> Self {
        self.request_sha256 = request_sha256;
        self
    }

    /// Asks the policy. The permit is the only key to an operation.
    pub fn authorize(&self, gateway: &Gateway, purpose: Option<Purpose>) -> Result<Permit, Refusal> {
        let role = self.peer.identity().claimed_role();
        let caller = Caller::new(self.peer.identity(), role).map_err(refuse)?;
        let method = self.method;
        // The method before the token (identity.md §7.3): who may not call at all learns nothing about a token.
        if !method.is_some_and(|method| method.callers.iter().any(|callers| callers.roles.contains(&role))) {
            return Err(Refusal::new(Reason::RoleNotAllowed));
        }
        match self.operator {
            Ok(_) => {}
            Err(Reason::IndividualNumberForbidden) => {
                return Err(Refusal::new(Reason::IndividualNumberForbidden)
                    .with_field(OPERATOR_FIELD, Reason::IndividualNumberForbidden));
            }
            Err(reason) => return Err(Refusal::invalid_fields(vec![]).with_field(OPERATOR_FIELD, reason)),
        }
        let token = match (&self.token, method.map(|method| &method.needs)) {
            (_, None | Some(Needs::MutualTls)) | (Presented::Nothing, _) => None,
            (Presented::Usable(token), _) => {
                gateway.denied.load().check(token).map_err(|error| Refusal::named(error.reason()))?;
                Some(token)
            }
            (Presented::Genuine(_, error) | Presented::Foreign(error), _) => {
                return Err(Refusal::named(error.reason()));
            }
        };
        policy::authorize(method, &caller, token, purpose, self.now.as_second()).map_err(refuse)
    }

    /// The caller as the domain knows it.
    pub fn organization(&self) -> Result<OrganizationId, Refusal> {
        OrganizationId::parse_urn(self.peer.urn()).map_err(|_| Refusal::new(Reason::OrgIdentityMissing))
    }

    /// The caller as an issuer.
    pub fn issuer(&self) -> Result<IssuerId, Refusal> {
        self.organization()?.issuer().map_err(|_| Refusal::new(Reason::RoleNotAllowed))
    }

    /// `<kind>:<code>`.
    pub fn short(&self) -> &str {
        self.peer.identity().organization().short()
    }

    /// The token's person, if the token is genuine; also where it is refused.
    pub(crate) fn named(&self, gateway: &Gateway) -> Option<Named> {
        let claims: &Claims = match &self.token {
            Presented::Usable(token) => token.claims(),
            Presented::Genuine(token, _) => token.claims_for_record(),
            Presented::Nothing | Presented::Foreign(_) => return None,
        };
        let jti = claims.jti.to_string();
        let reference =
            gateway.encrypted_subjects.open(claims.esub.as_str(), &jti, claims.client_id.as_str()).ok()?;
        Some(Named {
            subject: EntrySubject { reference, sub: claims.sub.as_str().to_owned(), also: Vec::new() },
            jti_sha256: Sha256::digest(jti).into(),
            acr: registry::Acr(claims.acr.number()),
            tier: registry::Tier(claims.pres.tier.number()),
            consent: short_text(&claims.cns.r#ref),
        })
    }

    /// An entry about this call. Outcome, holder and groups are for the operation to add.
    pub(crate) fn draft(
        &self,
        kind: Kind,
        categories: registry::Categories,
        named: Option<&Named>,
        response_sha256: [u8; 32],
    ) -> Draft {
        let method = self.method;
        Draft {
            kind,
            method: registry::Method(method.map_or(0, |method| method.number)),
            purpose: method.map_or(registry::Purpose::NONE, |method| self.usual_purpose(method)),
            outcome: 0,
            categories,
            holder: None,
            requester: OrgRef::new(self.short()).ok(),
            references: References::default(),
            subject: named.map(|named| named.subject.clone()),
            actor: ActorBody {
                terminal: short_text(self.peer.identity().terminal().unwrap_or_default()),
                certificate_sha256: *self.peer.identity().thumbprint(),
                jti_sha256: named.map_or([0; 32], |named| named.jti_sha256),
                acr: named.map_or(registry::Acr(0), |named| named.acr),
                tier: named.map_or(registry::Tier(0), |named| named.tier),
                operator: self.operator.clone().unwrap_or_default(),
                trace_id: *self.info.request_id.as_bytes(),
            },
            detail: DetailBody {
                request_sha256: self.request_sha256,
                response_sha256,
                consent: named.map(|named| named.consent.clone()).unwrap_or_default(),
                outcomes: pmh_audit::List::default(),
                rows: None,
            },
        }
    }

    /// What a call without a stated purpose is for: the first of its role's (R-AUD-02).
    /// With a token the purpose is the permit's, which only the operation has.
    fn usual_purpose(&self, method: &MethodPolicy) -> registry::Purpose {
        let role = self.peer.identity().claimed_role();
        match method.needs {
            Needs::Token(_) => registry::Purpose::NONE,
            Needs::MutualTls | Needs::TokenOptional(_) => {
                let callers = method.callers.iter().find(|callers| callers.roles.contains(&role));
                purpose_number(callers.and_then(|callers| callers.purposes.first().copied()))
            }
        }
    }

    /// The caller's key for a write, bound to the request and the token's person.
    pub(crate) fn idempotency(&self, key: &str, named: Option<&Named>) -> Idempotency {
        let mut digest = Sha256::new_with_prefix(self.request_sha256);
        digest.update(named.map_or("", |named| named.subject.sub.as_str()));
        Idempotency {
            organization: self.short().to_owned(),
            method: self.method.map_or(0, |method| method.number),
            key: key.to_owned(),
            request_sha256: digest.finalize().into(),
        }
    }

    pub(crate) fn request_id(&self) -> RequestId {
        self.info.request_id
    }
}

impl Presented {
    fn read(gateway: &Gateway, peer: &Peer, authorization: &[&[u8]]) -> Self {
        let token = match bearer(authorization.iter().copied()) {
            Ok(None) => return Self::Nothing,
            Ok(Some(token)) => token,
            Err(error) => return Self::Foreign(error),
        };
        match gateway.tokens.decode_signed(&gateway.verifier, token) {
            Err(error) => Self::Foreign(error),
            Ok(signed) => match signed.check(peer.identity(), gateway.now_s()) {
                Ok(token) => Self::Usable(token),
                Err(error) => Self::Genuine(signed, error),
            },
        }
    }
}

fn refuse(refusal: policy::PolicyRefusal) -> Refusal {
    Refusal::named(refusal.reason())
}

/// Texts that the policy and the certificate profile have already bounded.
pub(crate) fn short_text(text: &str) -> ShortText {
    ShortText::new(text).unwrap_or_default()
}

/// The actor of what the gateway does by itself.
pub(crate) fn nobody() -> ActorBody {
    ActorBody {
        terminal: ShortText::default(),
        certificate_sha256: [0; 32],
        jti_sha256: [0; 32],
        acr: registry::Acr(0),
        tier: registry::Tier(0),
        operator: ShortText::default(),
        trace_id: [0; 16],
    }
}

/// Where a call names its member of staff: a header, not a field.
pub(crate) const OPERATOR_FIELD: &str = "pmh-operator";
