//! Challenges: for one terminal, one card, one time, once.

use pmh_client::{Card as _, Error, Presentation};
use pmh_conformance::counter::{CONSENT_TEXT, Counter, organization};
use pmh_conformance::{Newcomer, Target, clock};
use pmh_proto::common::{Purpose, Reason};
use pmh_proto::presence::{
    BeginPresentationResponse, CompletePresentationRequest, CompletePresentationResponse, ConsentAnswer,
    JpkiCredential, ReaderAssertion, UserVerification,
};

use crate::support::{ended, fields, reason, target};

fn asked() -> Presentation {
    Presentation::for_eligibility(CONSENT_TEXT, &["88-13"])
}

/// A counter, and a challenge answered by a card but not yet sent.
async fn signed(target: &Target) -> (Counter, CompletePresentationRequest) {
    let counter = target.counter(organization::TOKYO_CLINIC).await.unwrap();
    let begun = counter.terminal().begin(&asked()).await.unwrap();
    let request = completion(target, begun);
    (counter, request)
}

fn completion(target: &Target, begun: BeginPresentationResponse) -> CompletePresentationRequest {
    let mut child = Newcomer::new(target).unwrap();
    let signed = child.card.sign(&begun.to_be_signed).unwrap();
    CompletePresentationRequest {
        sealed_state: begun.sealed_state,
        jpki: Some(JpkiCredential { certificate_der: signed.certificate_der, signature: signed.signature }),
        used: UserVerification::Pin.into(),
        answer: Some(ConsentAnswer { groups: vec!["88-13".to_owned()] }),
        ..Default::default()
    }
}

async fn complete(
    counter: &Counter,
    request: &CompletePresentationRequest,
) -> Result<CompletePresentationResponse, Error> {
    counter.gateway().call_unrecorded(request, None).await
}

#[tokio::test]
async fn r_crd_01_a_challenge_is_answered_once() {
    let target = target().await;
    let (counter, request) = signed(&target).await;
    complete(&counter, &request).await.unwrap();
    assert_eq!(reason(complete(&counter, &request).await), Reason::ChallengeInvalid);
}

/// Of many that come at once, one wins.
#[tokio::test]
async fn r_crd_01_of_eight_equal_answers_one_is_taken() {
    let target = target().await;
    let (counter, request) = signed(&target).await;
    let attempts: Vec<_> = (0..8)
        .map(|_| {
            let (gateway, request) = (counter.gateway().clone(), request.clone());
            tokio::spawn(async move { gateway.call_unrecorded(&request, None).await })
        })
        .collect();
    let mut taken = 0;
    for attempt in attempts {
        match attempt.await.unwrap() {
            Ok(_) => taken += 1,
            Err(error) => {
                let refused = reason::<()>(Err(error));
                assert!(matches!(refused, Reason::ChallengeInvalid | Reason::RateLimited), "{refused:?}");
            }
        }
    }
    assert_eq!(taken, 1);
}

#[tokio::test]
async fn r_crd_a_challenge_of_another_organization_is_refused() {
    let target = target().await;
    let (_, request) = signed(&target).await;
    let other = target.counter(organization::TOKYO_PHARMACY).await.unwrap();
    assert_eq!(reason(complete(&other, &request).await), Reason::ChallengeInvalid);
}

#[tokio::test]
async fn r_crd_a_challenge_of_another_certificate_of_the_same_organization_is_refused() {
    let target = target().await;
    let (_, request) = signed(&target).await;
    let other = target.counter(organization::TOKYO_CLINIC).await.unwrap();
    assert_eq!(reason(complete(&other, &request).await), Reason::ChallengeInvalid);
}

#[tokio::test]
async fn r_crd_a_forged_state_is_refused() {
    let target = target().await;
    let (counter, request) = signed(&target).await;
    for at in [0, request.sealed_state.len() / 2, request.sealed_state.len() - 1] {
        let mut forged = request.clone();
        forged.sealed_state[at] ^= 1;
        assert_eq!(reason(complete(&counter, &forged).await), Reason::ChallengeInvalid, "byte {at}");
    }
}

#[tokio::test]
async fn r_crd_a_signature_over_another_challenge_is_refused() {
    let target = target().await;
    let (counter, request) = signed(&target).await;
    let other = counter.terminal().begin(&asked()).await.unwrap();
    let mixed = CompletePresentationRequest { sealed_state: other.sealed_state, ..request };
    assert_eq!(reason(complete(&counter, &mixed).await), Reason::CardSignature);
}

/// The terminal's side: it lets no card sign what it did not ask for.
#[tokio::test]
async fn r_crd_12_a_terminal_refuses_a_text_it_did_not_ask_for() {
    let target = target().await;
    let counter = target.counter(organization::TOKYO_CLINIC).await.unwrap();
    let terminal = counter.terminal();
    let begun = terminal.begin(&asked()).await.unwrap();
    let now = clock::now();
    assert!(terminal.check_challenge(&begun.to_be_signed, &asked(), now).is_ok());
    let other_text = Presentation { consent_text: "別の文".to_owned(), ..asked() };
    let other_groups = Presentation { offered: vec!["52".to_owned()], ..asked() };
    let other_purpose = Presentation { purposes: vec![Purpose::Treat], ..asked() };
    let other_scope = Presentation { scopes: Vec::new(), ..asked() };
    let other_verification = Presentation { verification: UserVerification::Face, ..asked() };
    for other in [other_text, other_groups, other_purpose, other_scope, other_verification] {
        assert!(terminal.check_challenge(&begun.to_be_signed, &other, now).is_err(), "{other:?}");
    }
    assert!(terminal.check_challenge(&begun.to_be_signed, &asked(), now + 1000).is_err(), "too late");
    assert!(terminal.check_challenge(&begun.to_be_signed[1..], &asked(), now).is_err(), "cut off");
    let elsewhere = target.counter(organization::TOKYO_CLINIC).await.unwrap();
    assert!(elsewhere.terminal().check_challenge(&begun.to_be_signed, &asked(), now).is_err());
}

#[tokio::test]
async fn r_uv_01_a_face_match_needs_a_registered_readers_word() {
    let target = target().await;
    for used in [UserVerification::Face, UserVerification::Visual] {
        let counter = target.counter(organization::TOKYO_CLINIC).await.unwrap();
        let mut child = Newcomer::new(&target).unwrap();
        let presentation = Presentation { verification: used, ..asked() };
        let outcome = counter.present_as(&mut child.card, &presentation).await;
        assert_eq!(reason(outcome), Reason::ReaderNotTrusted, "{used:?}");
    }
}

#[tokio::test]
async fn r_uv_a_face_match_with_the_readers_word_is_accepted_and_another_nonce_is_not() {
    let target = target().await;
    let reader = target.pki().reader("FR-TEST-77", clock::now() - 60).unwrap();
    for (right_nonce, accepted) in [(true, true), (false, false)] {
        let counter = target.counter(organization::TOKYO_CLINIC).await.unwrap();
        let presentation = Presentation { verification: UserVerification::Face, ..asked() };
        let begun = counter.terminal().begin(&presentation).await.unwrap();
        let challenge =
            counter.terminal().check_challenge(&begun.to_be_signed, &presentation, clock::now()).unwrap();
        let nonce = if right_nonce { challenge.nonce } else { [7; 32] };
        let mut request = completion(&target, begun);
        request.used = UserVerification::Face.into();
        request.reader = Some(ReaderAssertion {
            jws: reader.assert(&nonce, "face", clock::now()).unwrap(),
            certificate_der: reader.certificate().to_vec(),
        });
        let outcome = complete(&counter, &request).await;
        if accepted {
            outcome.unwrap();
        } else {
            assert_eq!(reason(outcome), Reason::ReaderNotTrusted);
        }
    }
}

#[tokio::test]
async fn r_uv_another_verification_than_announced_is_refused() {
    let target = target().await;
    let (counter, mut request) = signed(&target).await;
    request.used = UserVerification::Device.into();
    assert!(matches!(
        reason(complete(&counter, &request).await),
        Reason::ChallengeInvalid | Reason::ReaderNotTrusted | Reason::InvalidFields
    ));
}

#[tokio::test]
async fn r_az_a_role_without_counter_presents_no_card() {
    let target = target().await;
    for organization in [organization::AUDITOR, organization::OPERATOR] {
        let counter = target.counter(organization).await.unwrap();
        assert_eq!(reason(counter.terminal().begin(&asked()).await), Reason::RoleNotAllowed);
    }
}

#[tokio::test]
async fn input_begin_names_every_broken_field() {
    let target = target().await;
    let counter = target.counter(organization::TOKYO_CLINIC).await.unwrap();
    let request = pmh_proto::presence::BeginPresentationRequest {
        terminal_id: "somebody-else".to_owned(),
        purposes: Vec::new(),
        scopes: (0..17).map(|number| format!("scope:{number}")).collect(),
        offer: None,
        wanted: 0,
    };
    let outcome: Result<BeginPresentationResponse, Error> =
        counter.gateway().call_unrecorded(&request, None).await;
    let named: Vec<String> = fields(outcome).into_iter().map(|(path, _)| path).collect();
    for path in ["purposes", "scopes", "wanted"] {
        assert!(named.iter().any(|name| name.starts_with(path)), "{path} is missing in {named:?}");
    }
}

#[tokio::test]
async fn input_complete_refuses_oversized_and_truncated_credentials() {
    let target = target().await;
    let (counter, request) = signed(&target).await;
    let jpki = request.jpki.clone().unwrap();
    let changed = |certificate_der: Vec<u8>, signature: Vec<u8>| CompletePresentationRequest {
        jpki: Some(JpkiCredential { certificate_der, signature }),
        ..request.clone()
    };
    let truncated = changed(jpki.certificate_der[..40].to_vec(), jpki.signature.clone());
    assert_eq!(reason(complete(&counter, &truncated).await), Reason::CardCertMalformed);
    let oversized = changed(vec![0x30; 5000], jpki.signature.clone());
    assert!(matches!(
        reason(complete(&counter, &oversized).await),
        Reason::CardCertMalformed | Reason::InvalidFields
    ));
    let long = changed(jpki.certificate_der.clone(), vec![1; 600]);
    assert!(matches!(reason(complete(&counter, &long).await), Reason::CardSignature | Reason::InvalidFields));
    let none = CompletePresentationRequest { jpki: None, ..request.clone() };
    assert!(matches!(reason(complete(&counter, &none).await), Reason::InvalidFields));
}

#[tokio::test]
async fn r_tok_ending_a_presence_ends_its_tokens_and_renewal() {
    let target = target().await;
    let counter = target.counter(organization::TOKYO_CLINIC).await.unwrap();
    let mut presence = counter.present(&mut target.card("child").unwrap(), &["88-13"]).await.unwrap();
    counter.ask(&presence).await.unwrap();
    counter.terminal().end(&presence).await.unwrap();
    assert!(ended(reason(counter.ask(&presence).await)));
    assert_eq!(reason(counter.terminal().renew(&mut presence, None).await), Reason::PresenceEnded);
    counter.terminal().end(&presence).await.expect("ending twice is no error");
}

#[tokio::test]
async fn r_tok_a_presence_belongs_to_its_organization() {
    let target = target().await;
    let clinic = target.counter(organization::TOKYO_CLINIC).await.unwrap();
    let mut presence = clinic.present(&mut target.card("child").unwrap(), &["88-13"]).await.unwrap();
    let pharmacy = target.counter(organization::TOKYO_PHARMACY).await.unwrap();
    assert_eq!(reason(pharmacy.terminal().renew(&mut presence, None).await), Reason::PresenceEnded);
    // Another terminal of the same organization may go on, with a token of its own.
    let second = target.counter(organization::TOKYO_CLINIC).await.unwrap();
    second.terminal().renew(&mut presence, None).await.unwrap();
    second.ask(&presence).await.unwrap();
}
