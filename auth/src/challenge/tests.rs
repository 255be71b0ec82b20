use proptest::prelude::*;
use zeroize::Zeroizing;

use super::*;
use crate::card::{CardError, Revocations, verify_certificate, verify_presentation};
use crate::keys::KeyRing;
use crate::names::{Purpose, UserVerification, scope};
use crate::peer::ClientIdentity;
use crate::testing::cards::{self, P384, P384_CARD};
use crate::testing::pki::{self, CLINIC, OTHER_CLINIC};
use crate::testing::{NOW, counting, scaled};

const ISSUER: &str = "https://auth.pmh.example";
const SHOWN: &str = "公費の資格情報を照会します";

fn key() -> ChallengeKey {
    KeyRing::from_master(Zeroizing::new([9; 32]), 1).challenge()
}

fn groups() -> Vec<String> {
    vec!["88-13".to_owned(), "52".to_owned()]
}

fn wish() -> Wish {
    Wish {
        purposes: vec![Purpose::Treat, Purpose::Hpaymt],
        scopes: vec![scope::ELIGIBILITY_READ.to_owned()],
        offered: groups(),
        consent_digest: consent_digest(&sha256(&[SHOWN.as_bytes()]), &groups()),
        wanted: UserVerification::Pin,
    }
}

fn begin(peer: &ClientIdentity) -> Challenge {
    Challenge::new(ISSUER, peer, wish(), NOW, &mut counting())
}

fn seal(challenge: &Challenge) -> Vec<u8> {
    key().seal(challenge, &mut counting()).unwrap()
}

fn offer(peer: &ClientIdentity) -> Offer {
    Offer {
        issuer: ISSUER.to_owned(),
        organization: peer.organization().as_str().to_owned(),
        thumbprint: *peer.thumbprint(),
        terminal: peer.terminal().unwrap().to_owned(),
        purposes: vec![Purpose::Treat, Purpose::Hpaymt],
        scopes: vec![scope::ELIGIBILITY_READ.to_owned()],
        consent_shown: SHOWN.to_owned(),
        consent_offered: groups(),
        wanted: UserVerification::Pin,
    }
}

#[test]
fn the_text_has_the_documented_form() {
    let text = ToBeSigned {
        issuer: "i".to_owned(),
        presentation_id: [1; 16],
        nonce: [2; 32],
        organization: "o".to_owned(),
        thumbprint: [3; 32],
        terminal: String::new(),
        purposes: vec![Purpose::Hpaymt, Purpose::Treat],
        scopes_digest: [4; 32],
        consent_digest: [5; 32],
        issued_at: 6,
        expires_at: 7,
        wanted: UserVerification::Face,
    };
    let field = |tag: u8, value: &[u8]| [&[tag, 0, u8::try_from(value.len()).unwrap()], value].concat();
    let expected = [
        b"PMH-CARD-PRESENTATION-v1\0".to_vec(),
        field(1, b"i"),
        field(2, &[1; 16]),
        field(3, &[2; 32]),
        field(4, b"o"),
        field(5, &[3; 32]),
        field(6, b""),
        field(7, b"HPAYMT TREAT"),
        field(8, &[4; 32]),
        field(9, &[5; 32]),
        field(10, &[0, 0, 0, 0, 0, 0, 0, 6]),
        field(11, &[0, 0, 0, 0, 0, 0, 0, 7]),
        field(12, &[3]),
    ]
    .concat();
    assert_eq!(text.encode().unwrap(), expected);
    assert_eq!(ToBeSigned::decode(&expected), Ok(text));
}

#[test]
fn a_state_comes_back_as_it_went() {
    let peer = pki::identity(CLINIC, "desk-1");
    let challenge = begin(&peer);
    let sealed = seal(&challenge);
    assert!(sealed.len() <= MAX_SEALED);
    assert_eq!(key().open(&sealed, &peer, NOW + 119), Ok(challenge.clone()));
    assert_eq!(challenge.offered(), groups());
    assert_eq!(challenge.nonce_hash(), sha256(&[&challenge.to_be_signed().nonce]));
}

#[test]
fn a_state_names_nothing_in_the_clear() {
    let sealed = seal(&begin(&pki::identity(CLINIC, "desk-1")));
    assert!(!sealed.windows(CLINIC.len()).any(|window| window == CLINIC.as_bytes()));
}

#[test]
fn r_crd_05_an_expired_challenge_is_refused() {
    let peer = pki::identity(CLINIC, "desk-1");
    let sealed = seal(&begin(&peer));
    assert_eq!(key().open(&sealed, &peer, NOW + LIFETIME), Err(ChallengeError));
    assert_eq!(key().open(&sealed, &peer, NOW - 6), Err(ChallengeError));
}

#[test]
fn r_crd_06_another_organizations_challenge_is_refused_like_an_expired_one() {
    let sealed = seal(&begin(&pki::identity(CLINIC, "desk-1")));
    let other = key().open(&sealed, &pki::identity(OTHER_CLINIC, "desk-1"), NOW).unwrap_err();
    let expired = key().open(&sealed, &pki::identity(CLINIC, "desk-1"), NOW + LIFETIME).unwrap_err();
    assert_eq!(
        (other, other.to_string(), other.reason()),
        (expired, expired.to_string(), "CHALLENGE_INVALID")
    );
}

#[test]
fn r_crd_07_another_certificate_of_the_same_organization_is_refused() {
    let sealed = seal(&begin(&pki::identity(CLINIC, "desk-1")));
    assert_eq!(key().open(&sealed, &pki::identity(CLINIC, "desk-1"), NOW), Err(ChallengeError));
}

#[test]
fn a_state_opens_under_its_own_key_only() {
    let peer = pki::identity(CLINIC, "desk-1");
    let sealed = seal(&begin(&peer));
    let other = KeyRing::from_master(Zeroizing::new([8; 32]), 1).challenge();
    assert_eq!(other.open(&sealed, &peer, NOW), Err(ChallengeError));
    let mut other_hour = sealed;
    other_hour[3] ^= 1;
    assert_eq!(key().open(&other_hour, &peer, NOW), Err(ChallengeError));
}

#[test]
fn a_wish_that_does_not_fit_is_refused() {
    let mut wish = wish();
    wish.offered = (0..300).map(|n| n.to_string()).collect();
    let challenge = Challenge::new(ISSUER, &pki::identity(CLINIC, "desk-1"), wish, NOW, &mut counting());
    assert_eq!(key().seal(&challenge, &mut counting()), Err(ChallengeError));
}

fn present(signed: &[u8], challenge: &[u8]) -> Result<(), CardError> {
    let der = cards::card().signed_by(&*P384_CARD, &*P384).unwrap().der().to_vec();
    let pinned = cards::cas([&*P384]);
    let card = verify_certificate(&der, &pinned, &cards::profile(), &Revocations::none(), NOW).unwrap();
    verify_presentation(card, challenge, &cards::sign_p384(&P384_CARD, signed)).map(|_| ())
}

#[test]
fn r_crd_03_any_changed_byte_of_the_text_is_found() {
    let challenge = begin(&pki::identity(CLINIC, "desk-1")).encode().unwrap();
    assert_eq!(present(&challenge, &challenge), Ok(()));
    let step = usize::try_from(scaled(37, 1)).unwrap();
    for place in (0..challenge.len()).step_by(step) {
        let mut changed = challenge.clone();
        changed[place] ^= 1;
        assert_eq!(present(&changed, &challenge), Err(CardError::Signature), "{place}");
    }
}

#[test]
fn r_crd_10_11_other_contexts_do_not_pass_for_a_presentation() {
    let challenge = begin(&pki::identity(CLINIC, "desk-1"));
    let text = challenge.encode().unwrap();
    let nonce = challenge.to_be_signed().nonce;
    // RFC 8446 §4.4.3: 64 spaces, a context string, a zero, a transcript hash.
    let tls = [&[0x20; 64][..], b"TLS 1.3, client CertificateVerify\0", &[7; 32]].concat();
    for signed in [&text[PREFIX.len()..], &nonce, &sha256(&[&text]), &tls] {
        assert_eq!(present(signed, &text), Err(CardError::Signature));
        assert_eq!(ToBeSigned::decode(signed), Err(TbsError));
    }
}

#[test]
fn r_crd_12_the_terminal_signs_only_what_it_asked_for() {
    let peer = pki::identity(CLINIC, "desk-1");
    let text = begin(&peer).encode().unwrap();
    let check = |change: &dyn Fn(&mut Offer)| {
        let mut expected = offer(&peer);
        change(&mut expected);
        verify_offer(&text, &expected, NOW).map(|_| ())
    };
    assert_eq!(check(&|_| ()), Ok(()));
    assert_eq!(check(&|o| o.purposes.reverse()), Ok(()));
    assert_eq!(check(&|o| o.consent_offered.reverse()), Ok(()));
    assert_eq!(check(&|o| o.issuer = "https://evil.example".to_owned()), Err(OfferError::Parties));
    assert_eq!(check(&|o| o.organization = OTHER_CLINIC.to_owned()), Err(OfferError::Parties));
    assert_eq!(check(&|o| o.thumbprint = [0; 32]), Err(OfferError::Parties));
    assert_eq!(check(&|o| o.terminal = "desk-2".to_owned()), Err(OfferError::Parties));
    assert_eq!(check(&|o| o.purposes = vec![Purpose::Treat]), Err(OfferError::Request));
    assert_eq!(check(&|o| o.scopes.push(scope::LINK_PROPOSE.to_owned())), Err(OfferError::Request));
    assert_eq!(check(&|o| o.consent_shown.push('。')), Err(OfferError::Request));
    assert_eq!(check(&|o| o.consent_offered.truncate(1)), Err(OfferError::Request));
    assert_eq!(check(&|o| o.wanted = UserVerification::Face), Err(OfferError::Request));
}

#[test]
fn r_crd_12_the_terminal_refuses_times_that_are_not_current() {
    let peer = pki::identity(CLINIC, "desk-1");
    let check = |issued, expires, now| {
        let mut text = begin(&peer).to_be_signed().clone();
        (text.issued_at, text.expires_at) = (issued, expires);
        verify_offer(&text.encode().unwrap(), &offer(&peer), now).map(|_| ())
    };
    assert_eq!(check(NOW, NOW + 120, NOW - 60), Ok(()));
    assert_eq!(check(NOW, NOW + 120, NOW + 179), Ok(()));
    for (issued, expires, now) in [
        (NOW, NOW + 120, NOW + 180),
        (NOW, NOW + 120, NOW - 61),
        (NOW, NOW + 121, NOW),
        (NOW, NOW, NOW),
        (NOW, NOW - 1, NOW),
        (i64::MIN, i64::MAX, NOW),
    ] {
        assert_eq!(check(issued, expires, now), Err(OfferError::Times));
    }
}

#[test]
fn dialogues_with_moved_borders_have_other_digests() {
    let items = |items: &[&str]| items.iter().map(|&item| item.to_owned()).collect::<Vec<_>>();
    assert_ne!(consent_digest(&[1; 32], &items(&["b"])), consent_digest(&[2; 32], &items(&["b"])));
    assert_ne!(consent_digest(&[1; 32], &items(&["bc"])), consent_digest(&[1; 32], &items(&["b", "c"])));
    assert_eq!(consent_digest(&[1; 32], &items(&["b", "c"])), consent_digest(&[1; 32], &items(&["c", "b"])));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(scaled(300, 200_000)))]

    #[test]
    fn whatever_decodes_encodes_to_the_same_bytes(
        tail in proptest::collection::vec(any::<u8>(), 0..80),
        place: prop::sample::Index,
        byte: u8,
    ) {
        let sound = begin(&pki::SAMPLE_IDENTITY).encode().unwrap();
        let mut changed = sound.clone();
        changed[place.index(sound.len())] = byte;
        for text in [tail.clone(), [&sound[..], &tail].concat(), [&PREFIX[..], &tail].concat(), changed] {
            if let Ok(read) = ToBeSigned::decode(&text) {
                prop_assert_eq!(read.encode().unwrap(), text);
            }
        }
    }

    #[test]
    fn no_forged_state_opens(place: prop::sample::Index, flip in 1_u8.., noise in proptest::collection::vec(any::<u8>(), 0..1100)) {
        let peer = &*pki::SAMPLE_IDENTITY;
        let mut sealed = seal(&begin(peer));
        let place = place.index(sealed.len());
        sealed[place] ^= flip;
        prop_assert_eq!(key().open(&sealed, peer, NOW), Err(ChallengeError));
        prop_assert_eq!(key().open(&noise, peer, NOW), Err(ChallengeError));
    }
}
