//! Every card of the sandbox gives what `sandbox.json` promises, and which cards open nothing.

use pmh_client::{Answer, Card, CardError, Presentation, Signed};
use pmh_conformance::clock;
use pmh_conformance::counter::{CONSENT_TEXT, Counter, TestCard, organization, outcomes, results, today};
use pmh_conformance::{Newcomer, Target};
use pmh_proto::common::Reason;
use pmh_proto::eligibility::{AnswerState, CareType, Chart, Outcome, VerifyEligibilityRequest};
use pmh_proto::presence::{Notice, Tier};
use pmh_testkit::card::{CardKey, FakeCard};
use pmh_testkit::pki::{CardDefect, CardRequest, DAY, Generation};
use pmh_testkit::sandbox::{SandboxCard, SandboxVisit};

use crate::support::{reason, target};

/// Each card at its own counter, for its own visit: the listed outcome or state, and the counter action.
#[tokio::test]
async fn r_elg_every_card_of_the_sandbox_gives_what_it_promises() {
    let target = target().await;
    let mut wrong = Vec::new();
    for card in &target.sandbox().cards {
        let said = visit(&target, card).await;
        println!("{:<14} {}", card.name, said.as_deref().unwrap_or(&card.expected));
        wrong.extend(said.map(|said| format!("{}: {said}", card.name)));
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// `None` if the visit went as `sandbox.json` says.
async fn visit(target: &Target, card: &SandboxCard) -> Option<String> {
    let counter = target.counter_at(&target.listed(&card.visit.terminal).unwrap()).await.unwrap();
    let presentation = Presentation {
        granted: card.visit.consent.clone(),
        ..Presentation::for_eligibility(CONSENT_TEXT, &["52", "88-13"])
    };
    let mut presence = match counter.present_as(&mut target.card(&card.name).unwrap(), &presentation).await {
        Ok(presence) => presence,
        Err(error) => return Some(format!("not presented: {error:?}")),
    };
    if card.visit.for_child {
        let [child] = presence.dependants.as_slice() else {
            return Some(format!("{} children", presence.dependants.len()));
        };
        let child = child.child.clone();
        counter.terminal().renew(&mut presence, Some(&child)).await.unwrap();
    }
    match counter.terminal().verify(&presence, &question(&card.visit)).await {
        Ok(answer) if as_expected(&answer, card) => None,
        Ok(answer) => Some(described(&answer)),
        Err(error) => Some(format!("not answered: {error:?}")),
    }
}

fn question(visit: &SandboxVisit) -> VerifyEligibilityRequest {
    let mut question = today();
    question.care_type = CareType::from_str_name(&format!("CARE_TYPE_{}", visit.care_type)).unwrap().into();
    if !visit.chart_birth_date.is_empty() {
        question.chart = Some(Chart { birth_date: visit.chart_birth_date.clone(), ..Default::default() });
    }
    question
}

fn as_expected(answer: &Answer, card: &SandboxCard) -> bool {
    if card.visit.group.is_empty() {
        let state = answer.response.state().as_str_name();
        return state == format!("ANSWER_STATE_{}", card.expected) && answer.response.results.is_empty();
    }
    results(answer, &card.visit.group).any(|result| {
        result.outcome().as_str_name() == format!("OUTCOME_{}", card.expected)
            && result.counter_action().as_str_name()
                == format!("COUNTER_ACTION_{}", card.visit.counter_action)
    })
}

fn described(answer: &Answer) -> String {
    let results = answer.response.results.iter();
    let results: Vec<_> =
        results.map(|result| (&result.group, result.outcome(), result.counter_action())).collect();
    format!("{:?} {results:?}", answer.response.state())
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
        // Issued now, because a certificate that is not yet valid counts from there.
        let request = CardRequest::new(Generation::P384, clock::day(-9000), clock::now()).with(defect);
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
        result.outcome() == Outcome::CardLimited && result.entitlements.is_empty() && result.issuer.is_empty()
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

impl Card for Stolen {
    fn sign(&mut self, to_be_signed: &[u8]) -> Result<Signed, CardError> {
        let signed = self.signer.sign(to_be_signed)?;
        Ok(Signed { certificate_der: self.certificate.clone(), ..signed })
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
