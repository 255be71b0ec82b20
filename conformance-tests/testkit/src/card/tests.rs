use std::sync::LazyLock;

use aws_lc_rs::signature::{
    ECDSA_P384_SHA384_ASN1, RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey, VerificationAlgorithm,
};
use proptest::prelude::*;

use super::terminal::{CardChannel, PREFIX, TerminalError, present, tries_left};
use super::*;

const NOW: i64 = 1_800_000_000;
const PIN: &str = "4649";

static PKI: LazyLock<DevPki> = LazyLock::new(|| DevPki::generate(NOW).unwrap());
static RSA: LazyLock<CardKey> = LazyLock::new(|| CardKey::generate(CardKind::Rsa2048).unwrap());

fn request(generation: Generation) -> CardRequest {
    CardRequest::new(generation, Date::constant(1990, 5, 10), NOW)
}

fn p384() -> FakeCard {
    FakeCard::issue(&PKI, &request(Generation::P384), PIN).unwrap()
}

fn rsa() -> FakeCard {
    FakeCard::issue_with_key(&PKI, &request(Generation::Rsa2), RSA.clone(), PIN).unwrap()
}

fn text() -> Vec<u8> {
    [PREFIX.as_slice(), b"fields"].concat()
}

fn verifies(certificate: &[u8], text: &[u8], signature: &[u8]) -> bool {
    let (_, certificate) = X509Certificate::from_der(certificate).unwrap();
    let key = certificate.public_key();
    let algorithm: &dyn VerificationAlgorithm = match key.parsed().unwrap() {
        x509_parser::public_key::PublicKey::RSA(_) => &RSA_PKCS1_2048_8192_SHA256,
        _ => &ECDSA_P384_SHA384_ASN1,
    };
    UnparsedPublicKey::new(algorithm, &key.subject_public_key.data).verify(text, signature).is_ok()
}

/// Status word of a command, and its data.
fn send(card: &mut FakeCard, command: &str) -> (u16, Vec<u8>) {
    let command: Vec<u8> = command
        .split_whitespace()
        .flat_map(|word| {
            (0..word.len()).step_by(2).map(move |at| u8::from_str_radix(&word[at..at + 2], 16).unwrap())
        })
        .collect();
    let mut response = card.apdu(&command);
    let data = response.split_off(response.len() - 2);
    (u16::from_be_bytes([data[0], data[1]]), response)
}

fn status(card: &mut FakeCard, command: &str) -> u16 {
    send(card, command).0
}

const SELECT: &str = "00A4040C 0A D392F000260100000001";
const SELECT_PIN: &str = "00A4020C 02 0018";
const SELECT_KEY: &str = "00A4020C 02 0017";
const VERIFY_RIGHT: &str = "00200080 04 34363439";
const VERIFY_WRONG: &str = "00200080 04 30303030";

#[test]
fn a_presentation_over_apdus_verifies_under_the_certificate_read_from_the_card() {
    for mut card in [rsa(), p384()] {
        let shown = present(&mut card, &text(), PIN).unwrap();
        assert_eq!(shown.certificate_der, card.certificate());
        assert!(verifies(&shown.certificate_der, &text(), &shown.signature));
        assert!(!verifies(&shown.certificate_der, b"another text", &shown.signature));
        assert!(shown.signature.len() <= 512);
    }
}

#[test]
fn the_card_signs_any_text_when_asked_directly() {
    for mut card in [rsa(), p384()] {
        let signature = card.sign(b"a bare nonce", PIN).unwrap();
        assert!(verifies(card.certificate(), b"a bare nonce", &signature));
    }
}

#[test]
fn a_terminal_touches_no_card_for_a_text_of_another_kind() {
    struct Untouched;
    impl CardChannel for Untouched {
        fn transmit(&mut self, _: &[u8]) -> Vec<u8> {
            panic!("the card was touched");
        }
    }
    let tls_input = [[0x20; 64].as_slice(), b"TLS 1.3, client CertificateVerify\0", &[7; 48]].concat();
    for other in [&[0; 32][..], &tls_input, b"", &PREFIX[..24], b"PMH-CARD-PRESENTATION-v2\0"] {
        assert_eq!(present(&mut Untouched, other, PIN), Err(TerminalError::NotAPresentation));
    }
}

#[test]
fn the_pin_locks_after_three_wrong_tries_and_a_right_one_resets_the_count() {
    let mut card = p384();
    let wrong = |tries_left| Err(TerminalError::Card(CardRefusal::WrongPin { tries_left }));
    assert_eq!(present(&mut card, &text(), "0000"), wrong(2));
    assert_eq!(present(&mut card, &text(), "0000"), wrong(1));
    assert_eq!(tries_left(&mut card), Ok(1));
    assert!(present(&mut card, &text(), PIN).is_ok());
    assert_eq!(tries_left(&mut card), Ok(3));
    for left in [2, 1, 0] {
        assert_eq!(present(&mut card, &text(), "0000"), wrong(left));
    }
    assert_eq!(present(&mut card, &text(), PIN), Err(TerminalError::Card(CardRefusal::Locked)));
    assert_eq!(tries_left(&mut card), Ok(0));
    assert_eq!(card.sign(b"text", PIN), Err(CardRefusal::Locked));
    card.reset();
    assert_eq!(tries_left(&mut card), Ok(0), "taking the card away does not unlock it");
}

#[test]
fn the_conversation_has_the_status_words_of_the_standard() {
    let mut card = p384();
    assert_eq!(status(&mut card, "00A4020C 02 000A"), 0x6a82, "no application selected");
    assert_eq!(status(&mut card, "00A4040C 0A D392F000260100000002"), 0x6a82, "another application");
    assert_eq!(status(&mut card, SELECT), 0x9000);
    assert_eq!(status(&mut card, "00A4020C 02 001A"), 0x6a82, "the signature key is not on this card");
    assert_eq!(status(&mut card, "00B00000 00"), 0x6986, "no file selected");
    assert_eq!(status(&mut card, "00200080"), 0x6986, "the PIN file is not selected");
    assert_eq!(status(&mut card, SELECT_PIN), 0x9000);
    assert_eq!(status(&mut card, "00B00000 00"), 0x6982, "a PIN is not read");
    assert_eq!(status(&mut card, "00200080"), 0x63c3);
    assert_eq!(status(&mut card, "00200081"), 0x6a86);
    assert_eq!(status(&mut card, VERIFY_WRONG), 0x63c2);
    assert_eq!(status(&mut card, "00200080"), 0x63c2, "asking costs nothing");
    assert_eq!(status(&mut card, "00840000 08"), 0x6d00);
    assert_eq!(status(&mut card, "90A4040C"), 0x6e00);
    assert_eq!(status(&mut card, "00A4"), 0x6700);
    assert_eq!(status(&mut card, "00A4040C 0A D3"), 0x6700);
}

#[test]
fn signing_needs_the_verified_pin_and_the_selected_key() {
    let digest = "11".repeat(48);
    let sign = format!("802A0080 30 {digest} 00");
    let mut card = p384();
    send(&mut card, SELECT);
    send(&mut card, SELECT_KEY);
    assert_eq!(status(&mut card, &sign), 0x6982);
    send(&mut card, SELECT_PIN);
    assert_eq!(status(&mut card, VERIFY_RIGHT), 0x9000);
    assert_eq!(status(&mut card, &sign), 0x6986);
    send(&mut card, SELECT_KEY);
    assert_eq!(status(&mut card, &sign), 0x9000);
    assert_eq!(status(&mut card, &format!("802A9E9A 30 {digest} 00")), 0x6a86);
    assert_eq!(status(&mut card, "802A0080 02 0102 00"), 0x6a80, "not a SHA-384 digest");
    send(&mut card, SELECT_PIN);
    send(&mut card, VERIFY_WRONG);
    send(&mut card, SELECT_KEY);
    assert_eq!(status(&mut card, &sign), 0x6982, "a wrong PIN takes the permission back");
    send(&mut card, SELECT_PIN);
    send(&mut card, VERIFY_RIGHT);
    card.reset();
    send(&mut card, SELECT);
    send(&mut card, SELECT_KEY);
    assert_eq!(status(&mut card, &sign), 0x6982, "and so does the card leaving the field");
}

#[test]
fn an_rsa_card_signs_a_digest_info_and_nothing_else() {
    let mut card = rsa();
    for command in [SELECT, SELECT_PIN, VERIFY_RIGHT, SELECT_KEY] {
        assert_eq!(status(&mut card, command), 0x9000);
    }
    let prefix = "3031300D060960864801650304020105000420";
    let (ok, signature) = send(&mut card, &format!("802A0080 33 {prefix} {} 00", "22".repeat(32)));
    assert_eq!((ok, signature.len()), (0x9000, 256));
    assert_eq!(status(&mut card, &format!("802A0080 20 {} 00", "22".repeat(32))), 0x6a80, "a bare hash");
    assert_eq!(status(&mut card, &format!("802A0080 34 {prefix} {} 00", "22".repeat(33))), 0x6a80);
}

#[test]
fn files_are_read_from_any_offset_without_a_pin() {
    let mut card = rsa();
    send(&mut card, SELECT);
    send(&mut card, "00A4020C 02 0006");
    assert_eq!(send(&mut card, "00B00000 20").1, b"JPKIAPICCTOKEN2                 ");
    assert_eq!(send(&mut card, "00B00004 03"), (0x9000, b"API".to_vec()));
    assert_eq!(status(&mut card, "00B00020 01"), 0x6b00, "behind the end");
    send(&mut card, "00A4020C 02 000A");
    let (_, chunk) = send(&mut card, "00B00100 10");
    assert_eq!(chunk, card.certificate()[256..272]);
    send(&mut card, "00A4020C 02 000B");
    let ca = PKI.card_ca(Generation::Rsa2).unwrap();
    assert_eq!(send(&mut card, "00B00000 00").1, ca[..256]);
}

#[test]
fn a_renewed_card_is_another_certificate_and_key_of_the_same_pin() {
    let old = rsa();
    let new = old.renew(&PKI, Generation::P384, Date::constant(1990, 5, 10), NOW).unwrap();
    assert_ne!(old.serial().unwrap(), new.serial().unwrap());
    assert_eq!((new.kind(), new.pin()), (CardKind::P384, PIN));
    let digest = |card: &FakeCard, generation| {
        card.credential_digest(&PKI.card_ca_key_id(generation).unwrap()).unwrap()
    };
    assert_ne!(digest(&old, Generation::Rsa2), digest(&new, Generation::P384));
    assert_eq!(digest(&old, Generation::Rsa2), digest(&old, Generation::Rsa2));
}

#[test]
fn a_stored_card_signs_as_before() {
    let dir = tempfile::tempdir().unwrap();
    let (certificate, key) = (dir.path().join("c.der"), dir.path().join("c.pem"));
    for card in [rsa(), p384()] {
        card.save(&certificate, &key).unwrap();
        let mut stored = FakeCard::load(&certificate, &key, PIN).unwrap();
        assert_eq!(stored.kind(), card.kind());
        let shown = present(&mut stored, &text(), PIN).unwrap();
        assert!(verifies(card.certificate(), &text(), &shown.signature));
    }
}

#[test]
fn a_key_of_the_wrong_kind_is_refused() {
    let wrong = FakeCard::issue_with_key(&PKI, &request(Generation::P384), RSA.clone(), PIN);
    assert!(matches!(wrong, Err(Error::KeyKind)));
    assert!(CardKey::from_pkcs8(b"not a key").is_err());
}

#[test]
fn debug_shows_neither_pin_nor_key() {
    let card = p384();
    assert_eq!(format!("{card:?}"), "FakeCard { kind: P384, tries_left: 3, .. }");
    assert_eq!(format!("{:?}", card.key()), "CardKey { kind: P384, .. }");
}

proptest! {
    #[test]
    fn any_bytes_get_a_status_word(commands in prop::collection::vec(
        prop_oneof![
            prop::collection::vec(any::<u8>(), 0..300),
            (prop::sample::select(vec![[0x00, 0xa4], [0x00, 0xb0], [0x00, 0x20], [0x80, 0x2a]]),
             prop::collection::vec(any::<u8>(), 0..60)).prop_map(|(head, tail)| [&head[..], &tail].concat()),
        ], 1..20)
    ) {
        let mut card = FakeCard::from_parts(vec![0x30, 0], P384_KEY.clone(), PIN);
        for command in commands {
            prop_assert!(card.apdu(&command).len() >= 2);
        }
    }

    #[test]
    fn a_terminal_survives_any_card(answers in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40), 1..20)) {
        struct Mad(Vec<Vec<u8>>);
        impl CardChannel for Mad {
            fn transmit(&mut self, _: &[u8]) -> Vec<u8> {
                let mut answer = self.0.pop().unwrap_or_default();
                if answer.len() > 10 {
                    answer.extend([0x90, 0x00]);
                }
                answer
            }
        }
        prop_assert!(present(&mut Mad(answers), &text(), PIN).is_err());
    }
}

static P384_KEY: LazyLock<CardKey> = LazyLock::new(|| CardKey::generate(CardKind::P384).unwrap());
