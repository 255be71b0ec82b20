//! The register of organizations.

use pmh_proto::common::Reason;
use pmh_proto::directory::{
    Organization, OrganizationKind, PutOrganizationRequest, ResumeOrganizationRequest,
    SuspendOrganizationRequest,
};

use super::rig::{OPERATOR, reason, uuid, world};

fn put(urn: &str, kind: OrganizationKind) -> PutOrganizationRequest {
    PutOrganizationRequest {
        idempotency_key: uuid(),
        organization: Some(Organization {
            urn: urn.to_owned(),
            kind: kind.into(),
            name: "見本薬局".to_owned(),
            ..Default::default()
        }),
    }
}

#[tokio::test]
async fn an_operator_cannot_suspend_itself() {
    let operator = world().gateway(OPERATOR).await;
    let request =
        SuspendOrganizationRequest { idempotency_key: uuid(), urn: format!("urn:x-pmh:org:{OPERATOR}") };
    assert_eq!(reason(operator.call(&request, None).await), Reason::StateNotAllowed);
}

#[tokio::test]
async fn to_enrol_again_resumes_nobody_and_says_so() {
    let operator = world().gateway(OPERATOR).await;
    let urn = "urn:x-pmh:org:app:register-test";
    operator.call(&put(urn, OrganizationKind::App), None).await.unwrap();
    let suspend = SuspendOrganizationRequest { idempotency_key: uuid(), urn: urn.to_owned() };
    operator.call(&suspend, None).await.unwrap();
    let answer = operator.call(&put(urn, OrganizationKind::App), None).await.unwrap().response;
    assert!(answer.organization.unwrap().suspended);
    let resume = ResumeOrganizationRequest { idempotency_key: uuid(), urn: urn.to_owned() };
    operator.call(&resume, None).await.unwrap();
}

#[tokio::test]
async fn a_part_of_the_gateway_and_an_individual_number_are_not_enrolled() {
    let operator = world().gateway(OPERATOR).await;
    let service = put("urn:x-pmh:org:service:sequencer", OrganizationKind::Unspecified);
    assert_eq!(reason(operator.call(&service, None).await), Reason::InvalidFields);
    let number = (100_000_000_000_u64..100_000_001_000)
        .map(|number| number.to_string())
        .find(|number| pmh_domain::codes::looks_like_individual_number(number))
        .unwrap();
    let person = put(&format!("urn:x-pmh:org:app:{number}"), OrganizationKind::App);
    assert_eq!(reason(operator.call(&person, None).await), Reason::IndividualNumberForbidden);
}
