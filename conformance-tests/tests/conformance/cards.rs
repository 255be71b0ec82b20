//! Every card of the sandbox gives what `sandbox.json` promises, and which cards open nothing.

use pmh_client::Card as _;
use pmh_client::Presentation;
use pmh_conformance::clock;
use pmh_conformance::counter::{CONSENT_TEXT, Counter, TestCard, organization, outcomes, results, today};
use pmh_conformance::{Newcomer, Target};
use pmh_proto::common::Reason;
use pmh_proto::eligibility::{AnswerState, CareType, Outcome, VerifyEligibilityRequest};
use pmh_proto::presence::{Notice, Tier};
use pmh_testkit::card::{CardKey, FakeCard};
use pmh_testkit::pki::{CardDefect, CardRequest, DAY, Generation};
use pmh_testkit::world::{Expected, World, WorldCard};

use crate::support::{reason, target};

/// Each card at its own counter, for its own visit; the listed outcome or state, and the counter action.
#[tokio::test]
async fn r_elg_every_card_of_the_sandbox_gives_what_it_promises() {
    let target = target().await;
    let world = World::new(clock::today()).unwrap();
    let mut wrong = Vec::new();
    for listed in &target.sandbox().cards {
        let Some(card) = world.card(&listed.name) else { continue };
        assert_eq!(listed.expected, card.expected.word(), "{}", listed.name);
        let said = visit(&target, card).await;
        println!("{:<14} {}", listed.name, said.as_deref().unwrap_or("as expected"));
        wrong.extend(said.map(|said| format!("{}: {said}", listed.name)));
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// `None` if the visit went as the world says.
async fn visit(target: &Target, card: &WorldCard) -> Option<String> {
    let organization = World::new(clock::today()).unwrap().organization_of(card.visit.terminal)?.short();
    let counter = target.counter(&organization).await.unwrap();
    let presentation = Presentation {
        granted: card.visit.consent.iter().map(|&group| group.to_owned()).collect(),
        ..Presentation::for_eligibility(CONSENT_TEXT, &["52", "88-13"])
    };
    let mut presence = match counter.present_as(&mut target.card(card.name).unwrap(), &presentation).await {
        Ok(presence) => presence,
        Err(error) => return Some(format!("not presented: {error:?}")),
    };
    if card.visit.subject != card.holder {
        let [child] = presence.dependants.as_slice() else {
            return Some(format!("{} children", presence.dependants.len()));
        };
        let child = child.child.clone();
        counter.terminal().renew(&mut presence, Some(&child)).await.unwrap();
    }
    let answer = match counter.terminal().verify(&presence, &question(card)).await {
        Ok(answer) => answer,
        Err(error) => return Some(format!("not answered: {error:?}")),
    };
    let state = answer.response.state();
    match card.expected {
        Expected::State(expected) => {
            let fits = state.as_str_name() == format!("ANSWER_STATE_{expected}")
                && answer.response.results.is_empty();
            (!fits).then(|| format!("{state:?} instead of {expected}"))
        }
        Expected::Result { group, outcome, action } => {
            let fits = results(&answer, group).any(|result| {
                result.outcome().as_str_name() == format!("OUTCOME_{outcome}")
                    && result.counter_action().as_str_name() == format!("COUNTER_ACTION_{action}")
            });
            let got: Vec<_> = answer
                .response
                .results
                .iter()
                .map(|result| (&result.group, result.outcome(), result.counter_action()))
                .collect();
            (!fits).then(|| format!("{state:?} {got:?} instead of {group} {outcome} {action}"))
        }
    }
}

fn question(card: &WorldCard) -> VerifyEligibilityRequest {
    let mut question = today();
    question.care_type =
        CareType::from_str_name(&format!("CARE_TYPE_{}", card.visit.care_type)).unwrap().into();
    if let Some(birth_date) = card.visit.chart_birth_date {
        question.chart =
            Some(pmh_proto::eligibility::Chart { birth_date: birth_date.to_string(), ..Default::default() });
    }
    question
}

/// The family of defects is enumerated once; which reason each gets is the contract's.
#[tokio::test]
async fn r_ccp_a_defective_card_certificate_opens_nothing() {
    let target = target().await;
    let cases = [
        (CardDefect::SignatureType, Reason::CardCertType),
        (CardDefect::PersonAttributes, Reason::CardCertType),
        (CardDefect::NonRepudiation, Reason::CardCertType),
        (CardDefect::UnknownCaSameName, Reason::CardCertUntrusted),
        (CardDefect::SignedByLeaf, Reason::CardCertUntrusted),
        (CardDefect::Expired, Reason::CardCertExpired),
        (CardDefect::P256, Reason::CardCertMalformed),
        (CardDefect::KeyCertSign, Reason::CardCertMalformed),
        (CardDefect::UnknownCriticalExtension, Reason::CardCertMalformed),
        (CardDefect::ValidTooLong, Reason::CardCertMalformed),
    ];
    let key = CardKey::generate(pmh_testkit::card::CardKind::P384).unwrap();
    for (defect, expected) in cases {
        let counter = target.counter(organization::TOKYO_CLINIC).await.unwrap();
        let request = CardRequest::new(Generation::P384, clock::day(-9000), clock::now() - DAY).with(defect);
        let Ok(card) = FakeCard::issue_with_key(target.pki(), &request, key.clone(), "1234") else {
            continue;
        };
        let refused = reason(counter.present(&mut TestCard::new(card), &["88-13"]).await);
        assert_eq!(refused, expected, "{defect:?}");
    }
}

/// Every other defect is refused too, whatever the reason.
#[tokio::test]
async fn r_ccp_no_defect_is_accepted() {
    let target = target().await;
    let key = CardKey::generate(pmh_testkit::card::CardKind::P384).unwrap();
    let mut tried = 0;
    for defect in CardDefect::ALL {
        if defect.verdict() == pmh_testkit::pki::Verdict::Accept {
            continue;
        }
        let request = CardRequest::new(Generation::P384, clock::day(-9000), clock::now() - DAY).with(defect);
        let Ok(card) = FakeCard::issue_with_key(target.pki(), &request, key.clone(), "1234") else {
            continue;
        };
        let counter = target.counter(organization::TOKYO_PHARMACY).await.unwrap();
        assert!(counter.present(&mut TestCard::new(card), &[]).await.is_err(), "{defect:?}");
        tried += 1;
    }
    assert!(tried >= 15, "{tried}");
}

#[tokio::test]
async fn r_ccp_12_a_card_that_ended_within_three_months_opens_no_subsidy() {
    let target = target().await;
    let counter = target.counter(organization::TOKYO_CLINIC).await.unwrap();
    let (presence, answer) =
        counter.visit(&mut target.card("grace").unwrap(), &["52", "88-13"]).await.unwrap();
    assert_eq!(presence.tier, Tier::Grace);
    assert!(presence.notices.contains(&Notice::CardInGrace));
    assert!(answer.response.results.iter().all(|result| {
        result.outcome() == Outcome::CardLimited && result.entitlement.is_none() && result.issuer.is_empty()
    }));
}

#[tokio::test]
async fn r_ccp_12_a_card_that_ended_longer_ago_opens_nothing() {
    let target = target().await;
    let counter = target.counter(organization::TOKYO_CLINIC).await.unwrap();
    let request = CardRequest::new(Generation::P384, clock::day(-9000), clock::now())
        .issued_so_that_it_ended(clock::now(), 120 * DAY)
        .unwrap();
    let card = FakeCard::issue(target.pki(), &request, "1234").unwrap();
    assert_eq!(reason(counter.present(&mut TestCard::new(card), &[]).await), Reason::CardCertExpired);
}

#[tokio::test]
async fn r_crd_a_signature_by_another_key_is_refused() {
    let target = target().await;
    let counter = target.counter(organization::TOKYO_CLINIC).await.unwrap();
    let (holder, thief) = (Newcomer::new(&target).unwrap(), Newcomer::new(&target).unwrap());
    let mut forged = Stolen { certificate: holder.card.card().certificate().to_vec(), signer: thief.card };
    let presentation = Presentation::for_eligibility(CONSENT_TEXT, &[]);
    let outcome = counter.terminal().present(&mut forged, &presentation, clock::now()).await;
    assert_eq!(reason(outcome), Reason::CardSignature);
}

/// Somebody else's certificate with a card of one's own.
struct Stolen {
    certificate: Vec<u8>,
    signer: TestCard,
}

impl pmh_client::Card for Stolen {
    fn sign(&mut self, to_be_signed: &[u8]) -> Result<pmh_client::Signed, pmh_client::CardError> {
        let signed = self.signer.sign(to_be_signed)?;
        Ok(pmh_client::Signed { certificate_der: self.certificate.clone(), ..signed })
    }
}

#[tokio::test]
async fn p5_a_card_that_no_issuer_has_linked_says_so_and_nothing_else() {
    let target = target().await;
    let counter = target.counter(organization::TOKYO_CLINIC).await.unwrap();
    let mut stranger = Newcomer::new(&target).unwrap();
    let (presence, answer) = counter.visit(&mut stranger.card, &["88-13"]).await.unwrap();
    assert!(presence.notices.contains(&Notice::NewCredentialUnlinked));
    assert_eq!(answer.response.state(), AnswerState::NotLinked);
    assert!(answer.response.results.is_empty());
    let summary = answer.response.summary.unwrap();
    assert!(!summary.receptionist.unwrap().ja.is_empty() && !summary.vendor.unwrap().ja.is_empty());
}

#[tokio::test]
async fn r_lnk_a_renewed_card_keeps_the_person_and_the_rights() {
    let target = target().await;
    let counter: Counter = target.counter(organization::TOKYO_CLINIC).await.unwrap();
    let mut subjects = Vec::new();
    for name in ["renewed-old", "renewed"] {
        let (presence, answer) = counter.visit(&mut target.card(name).unwrap(), &["88-13"]).await.unwrap();
        assert_eq!(outcomes(&answer, "88-13"), [Outcome::Eligible], "{name}");
        subjects.push(presence.token.sub.clone());
    }
    assert_eq!(subjects[0], subjects[1], "one person before and after");
}
