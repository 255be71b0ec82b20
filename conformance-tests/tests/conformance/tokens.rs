//! Tokens: bound to the connection that got them, for what they were asked for, and not repairable.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use pmh_client::{Error, Presentation};
use pmh_conformance::counter::{CONSENT_TEXT, organization, today};
use pmh_conformance::{Target, names};
use pmh_proto::common::{Purpose, Reason};
use pmh_proto::eligibility::{VerifyEligibilityRequest, VerifyEligibilityResponse};

use crate::support::{reason, spoken, target};

async fn ask(
    target: &Target,
    organization: &str,
    token: Option<&str>,
) -> Result<VerifyEligibilityResponse, Error> {
    let gateway = target.gateway(organization).await.unwrap();
    gateway.call_unrecorded(&today(), token).await
}

#[tokio::test]
async fn r_tok_a_call_without_token_says_so() {
    let target = target().await;
    assert_eq!(reason(ask(&target, organization::TOKYO_CLINIC, None).await), Reason::TokenMissing);
}

/// P3: stolen tokens are worth nothing, also to a colleague's terminal.
#[tokio::test]
async fn p3_a_token_of_another_terminal_or_organization_is_refused() {
    let target = target().await;
    let counter = target.counter(organization::TOKYO_CLINIC).await.unwrap();
    let presence = counter.present(&mut target.card("child").unwrap(), &["88-13"]).await.unwrap();
    for thief in [organization::TOKYO_CLINIC, organization::TOKYO_PHARMACY] {
        let outcome = ask(&target, thief, Some(presence.bearer())).await;
        assert_eq!(reason(outcome), Reason::TokenBinding, "{thief}");
    }
}

#[tokio::test]
async fn r_tok_a_token_is_not_repairable() {
    let target = target().await;
    let counter = target.counter(organization::TOKYO_CLINIC).await.unwrap();
    let presence = counter.present(&mut target.card("child").unwrap(), &["88-13"]).await.unwrap();
    let token = presence.bearer();
    let parts: Vec<&str> = token.split('.').collect();
    let [header, claims, signature] = parts.as_slice() else { panic!("three parts") };
    let changed =
        String::from_utf8(URL_SAFE_NO_PAD.decode(claims).unwrap()).unwrap().replace("clinic", "clinix");
    let none = URL_SAFE_NO_PAD.encode(r#"{"alg":"none","typ":"at+jwt"}"#);
    let forged = [
        format!("{header}.{}.{signature}", URL_SAFE_NO_PAD.encode(changed)),
        format!("{none}.{claims}."),
        format!("{none}.{claims}.{signature}"),
        format!("{header}.{claims}.{}", URL_SAFE_NO_PAD.encode([0; 64])),
        format!("{header}.{claims}"),
        format!("{token}."),
        format!("{token}="),
        "a".repeat(3000),
        "x.y.z".to_owned(),
    ];
    for token in forged {
        let outcome = counter.gateway().call_unrecorded(&today(), Some(&token)).await;
        assert_eq!(reason(outcome), Reason::TokenInvalid, "{token}");
    }
    counter.ask(&presence).await.expect("the true one still works");
}

#[tokio::test]
async fn r_tok_a_token_opens_only_the_scopes_it_was_asked_for() {
    let target = target().await;
    let counter = target.counter(organization::TOKYO_CLINIC).await.unwrap();
    let presentation = Presentation {
        scopes: vec!["link:propose".to_owned()],
        ..Presentation::for_eligibility(CONSENT_TEXT, &["88-13"])
    };
    let presence = counter.present_as(&mut target.card("child").unwrap(), &presentation).await.unwrap();
    assert_eq!(reason(counter.ask(&presence).await), Reason::ScopeMissing);
}

#[tokio::test]
async fn r_tok_a_purpose_outside_the_token_is_refused() {
    let target = target().await;
    let counter = target.counter(organization::TOKYO_CLINIC).await.unwrap();
    let presentation = Presentation {
        purposes: vec![Purpose::Treat],
        ..Presentation::for_eligibility(CONSENT_TEXT, &["88-13"])
    };
    let presence = counter.present_as(&mut target.card("child").unwrap(), &presentation).await.unwrap();
    assert_eq!(reason(counter.ask(&presence).await), Reason::PurposeNotAllowed);
    let treat = VerifyEligibilityRequest { purpose: Purpose::Treat.into(), ..today() };
    counter.terminal().verify(&presence, &treat).await.unwrap();
    let research = VerifyEligibilityRequest { purpose: Purpose::Pubhlth.into(), ..today() };
    assert_eq!(reason(counter.terminal().verify(&presence, &research).await), Reason::PurposeNotAllowed);
}

#[tokio::test]
async fn r_az_03_a_body_that_names_another_subject_is_refused() {
    let target = target().await;
    let counter = target.counter(organization::TOKYO_CLINIC).await.unwrap();
    let presence = counter.present(&mut target.card("child").unwrap(), &["88-13"]).await.unwrap();
    let own = VerifyEligibilityRequest { subject: presence.token.sub.clone(), ..today() };
    counter.terminal().verify(&presence, &own).await.unwrap();
    let other = VerifyEligibilityRequest { subject: format!("p1_{}", "A".repeat(43)), ..today() };
    assert_eq!(reason(counter.terminal().verify(&presence, &other).await), Reason::SubjectMismatch);
}

/// Design §6.9: a genuine token names a person, so the refusal is recorded and says so.
#[tokio::test]
async fn p1_a_refusal_that_names_a_person_brings_its_receipt() {
    let target = target().await;
    let counter = target.counter(organization::TOKYO_CLINIC).await.unwrap();
    let presence = counter.present(&mut target.card("child").unwrap(), &["88-13"]).await.unwrap();
    let research = VerifyEligibilityRequest { purpose: Purpose::Pubhlth.into(), ..today() };
    let error = counter.terminal().verify(&presence, &research).await.unwrap_err();
    let refused = error.refused().unwrap();
    let gateway = counter.gateway();
    let proof = refused
        .verify(
            &gateway.keys().gateway,
            gateway.identity().organization(),
            pmh_audit::registry::Method::VERIFY_ELIGIBILITY,
            pmh_client::receipt::digest(&research),
            Some(&presence.token.sub),
        )
        .unwrap();
    assert_eq!(proof.leaf.kind, pmh_audit::Kind::Refusal);
}

#[tokio::test]
async fn p1_a_stolen_token_refused_is_recorded_for_the_person_it_names() {
    let target = target().await;
    let counter = target.counter(organization::TOKYO_CLINIC).await.unwrap();
    let presence = counter.present(&mut target.card("child").unwrap(), &["88-13"]).await.unwrap();
    let error = ask(&target, organization::TOKYO_CLINIC, Some(presence.bearer())).await.unwrap_err();
    assert!(error.refused().unwrap().receipt.is_some(), "{error:?}");
}

#[tokio::test]
async fn p1_a_refusal_that_names_nobody_has_no_entry_of_its_own() {
    let target = target().await;
    let error = ask(&target, organization::TOKYO_CLINIC, None).await.unwrap_err();
    assert!(error.refused().unwrap().receipt.is_none());
}

#[tokio::test]
async fn r_sc_04_a_refusal_echoes_nothing() {
    let target = target().await;
    let counter = target.counter(organization::TOKYO_CLINIC).await.unwrap();
    let canary = names::fresh();
    let presence = counter.present(&mut target.card("child").unwrap(), &["88-13"]).await.unwrap();
    let request = VerifyEligibilityRequest {
        groups: vec![canary.clone()],
        if_version: canary.clone(),
        subject: canary.clone(),
        ..today()
    };
    let error = counter.terminal().verify(&presence, &request).await.unwrap_err();
    assert!(!spoken(&error).contains(&canary), "{error:?}");
    let error = counter.gateway().call_unrecorded(&today(), Some(&canary)).await.unwrap_err();
    assert!(!spoken(&error).contains(&canary), "{error:?}");
}
