//! Participants and competences.

use pmh_audit::{DetailBody, Kind, List, OrgRef, Receipt, References, ShortText, registry};
use pmh_domain::{
    directory::{Competence, RawCompetence},
    organization::{IssuerId, OrganizationId},
    problem::RowRefusal,
};
use pmh_proto::common::Reason;
use pmh_store::{Concluding, Conclusion, Draft, RegistryChange, Reply};
use sha2::{Digest as _, Sha256};

use super::{
    Call, Gateway,
    entitlements::replay,
    refusals::{refused, settled},
    unavailable,
};
use crate::rpc::status::{FieldViolation, Refusal, reason_named};

/// What an operator does with an organization.
#[derive(Debug, Clone)]
pub enum Enrolment {
    /// Enrol or rename.
    Put {
        /// Which.
        organization: OrganizationId,
        /// Name.
        name: String,
    },
    /// Suspend.
    Suspend(OrganizationId),
    /// Resume.
    Resume(OrganizationId),
}

/// Changes the register; a suspension ends connections by itself, because the
/// edge asks the register on every call and is told of each change.
pub async fn enrol(
    gateway: &Gateway,
    call: &Call,
    idempotency_key: &str,
    enrolment: Enrolment,
    render: impl Fn(i64) -> Vec<u8> + Send + 'static,
) -> Result<(Vec<u8>, Option<Receipt>), Refusal> {
    // Whoever suspends itself can never resume itself.
    if let Enrolment::Suspend(organization) = &enrolment
        && organization.to_string() == call.short()
    {
        return Err(Refusal::new(Reason::StateNotAllowed));
    }
    let change = match enrolment {
        Enrolment::Put { organization, name } => {
            RegistryChange::PutOrganization { id: organization.to_string(), name }
        }
        Enrolment::Suspend(organization) => {
            RegistryChange::Suspend { id: organization.to_string(), suspended: true }
        }
        Enrolment::Resume(organization) => {
            RegistryChange::Suspend { id: organization.to_string(), suspended: false }
        }
    };
    change_registry(gateway, call, idempotency_key, change, render).await
}

/// Declares since when an issuer is competent. The issuer itself or an operator.
pub async fn put_competence(
    gateway: &Gateway,
    call: &Call,
    idempotency_key: &str,
    issuer: IssuerId,
    raw: &RawCompetence,
    render: impl Fn(&Competence) -> Vec<u8> + Send + 'static,
) -> Result<(Vec<u8>, Option<Receipt>), Refusal> {
    if call.organization()?.issuer().is_ok_and(|own| own != issuer) {
        return Err(Refusal::new(Reason::IssuerMismatch));
    }
    let competence = Competence::validate(raw, issuer).map_err(|refusal| fields(&refusal))?.value;
    let change = RegistryChange::PutCompetence(Box::new(competence.clone()));
    change_registry(gateway, call, idempotency_key, change, move |_| render(&competence)).await
}

async fn change_registry(
    gateway: &Gateway,
    call: &Call,
    idempotency_key: &str,
    change: RegistryChange,
    render: impl Fn(i64) -> Vec<u8> + Send + 'static,
) -> Result<(Vec<u8>, Option<Receipt>), Refusal> {
    let idempotency = call.idempotency(idempotency_key, None);
    let call = call.clone();
    let recorded = gateway
        .store
        .change_registry(gateway.attempt(), Some(idempotency), change, move |concluding| match concluding {
            Concluding::Fresh(Some(update_us)) => {
                let answer = render(update_us);
                let draft = draft(&call, Sha256::digest(&answer).into());
                Conclusion { reply: Reply::Answer(answer), draft: Some(draft) }
            }
            Concluding::Fresh(None) => refused(Reason::NotFound),
            Concluding::Replay(answer) => replay(|sha256| draft(&call, sha256), answer),
            Concluding::KeyReused => refused(Reason::IdempotencyKeyReused),
        })
        .await
        .map_err(|fault| unavailable(&fault))?;
    settled(recorded)
}

/// The entry of the operator that a configuration enrols in an empty register.
pub(crate) fn first_operator(operator: &OrganizationId) -> Draft {
    Draft {
        kind: Kind::RegistryChange,
        method: registry::Method::NONE,
        purpose: registry::Purpose::NONE,
        outcome: 0,
        categories: registry::Categories::REGISTRY,
        holder: OrgRef::new(&operator.to_string()).ok(),
        requester: None,
        references: References::default(),
        subject: None,
        actor: super::call::nobody(),
        detail: DetailBody {
            request_sha256: [0; 32],
            response_sha256: [0; 32],
            consent: ShortText::default(),
            outcomes: List::default(),
            rows: None,
        },
    }
}

fn draft(call: &Call, response_sha256: [u8; 32]) -> Draft {
    let mut draft = call.draft(Kind::RegistryChange, registry::Categories::REGISTRY, None, response_sha256);
    draft.holder = OrgRef::new(call.short()).ok();
    draft
}

fn fields(refusal: &RowRefusal) -> Refusal {
    let violation = |problem: &pmh_domain::problem::FieldProblem| FieldViolation {
        path: format!("competence.{}", problem.field),
        reason: reason_named(problem.reason.name()).unwrap_or(Reason::Value),
    };
    Refusal::invalid_fields(refusal.problems().iter().map(violation).collect())
}
