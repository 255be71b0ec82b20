//! Signed notes of other people's making.

use pmh_audit::note::{KeyError, NoteError};
use pmh_audit::{Checkpoint, Note, SigningKey, VerifierKey};
use serde::Deserialize;

use crate::support::{json, path, unhex};

#[derive(Deserialize)]
struct Notes {
    notes: Vec<NoteCase>,
    vkeys: Vkeys,
}

#[derive(Deserialize)]
struct NoteCase {
    desc: String,
    note_hex: String,
    vkeys: Vec<String>,
    accept: bool,
    verified_names: Vec<String>,
}

#[derive(Deserialize)]
struct Vkeys {
    accept: Vec<String>,
    reject: Vec<String>,
}

fn vectors() -> Notes {
    json(&path("vectors/signed-note/notes.json"))
}

#[test]
fn published_notes_are_judged_as_their_authors_say() {
    let notes = vectors().notes;
    assert_eq!(notes.len(), 18);
    for case in notes {
        let keys: Vec<VerifierKey> = case.vkeys.iter().map(|vkey| vkey.parse().unwrap()).collect();
        let opened = Note::open(&unhex(&case.note_hex), &keys);
        assert_eq!(opened.is_ok(), case.accept, "{}", case.desc);
        if let Ok(note) = opened {
            assert_eq!(note.signers(), case.verified_names, "{}", case.desc);
        }
    }
}

#[test]
fn published_vkeys_are_read_and_written_back() {
    let vkeys = vectors().vkeys;
    for vkey in vkeys.accept {
        assert_eq!(vkey.parse::<VerifierKey>().map(|key| key.to_string()), Ok(vkey));
    }
    for vkey in vkeys.reject {
        assert!(vkey.parse::<VerifierKey>().is_err(), "{vkey}");
    }
}

#[test]
fn real_checksum_database_heads_are_checkpoints() {
    let heads: Vec<NoteCase> =
        vectors().notes.into_iter().filter(|case| case.verified_names == ["sum.golang.org"]).collect();
    assert_eq!(heads.len(), 3);
    for head in heads {
        let key: VerifierKey = head.vkeys[0].parse().unwrap();
        let note = Note::open(&unhex(&head.note_hex), &[key]).unwrap();
        assert_eq!(Checkpoint::parse(note.text()).unwrap().text(), note.text());
    }
}

#[test]
fn our_notes_open_with_our_key_and_with_no_other() {
    let key = SigningKey::from_seed("log.example/a", &[7; 32]).unwrap();
    let note = key.sign("line one\n\nline three\n").unwrap();
    let opened = Note::open(note.as_bytes(), &[key.verifier().clone()]).unwrap();
    assert_eq!(
        (opened.text(), opened.signers()),
        ("line one\n\nline three\n", &["log.example/a".to_owned()][..])
    );

    let same_name = SigningKey::from_seed("log.example/a", &[8; 32]).unwrap();
    let same_key = SigningKey::from_seed("log.example/b", &[7; 32]).unwrap();
    for other in [&same_name, &same_key] {
        assert_eq!(Note::open(note.as_bytes(), &[other.verifier().clone()]), Err(NoteError::Unsigned));
    }
}

#[test]
fn every_changed_byte_of_a_note_is_found() {
    let key = SigningKey::from_seed("log.example/a", &[7; 32]).unwrap();
    let note = key.sign("some text\n").unwrap().into_bytes();
    for at in 0..note.len() {
        let mut changed = note.clone();
        changed[at] ^= 1;
        assert!(Note::open(&changed, &[key.verifier().clone()]).is_err(), "byte {at}");
    }
}

#[test]
fn texts_and_names_that_a_note_cannot_carry_are_refused() {
    let key = SigningKey::from_seed("log.example/a", &[7; 32]).unwrap();
    for text in ["", "no newline", "carriage\r\n", "nul\0\n"] {
        assert_eq!(key.sign(text), Err(NoteError::Malformed), "{text:?}");
    }
    for name in ["", "a b", "a+b", "a\u{3000}b", "a\nb"] {
        assert_eq!(SigningKey::from_seed(name, &[7; 32]).err(), Some(KeyError::Name), "{name:?}");
    }
}

#[test]
fn a_vkey_must_be_whole_and_of_a_sound_point() {
    let vkey = SigningKey::from_seed("log.example/a", &[7; 32]).unwrap().verifier().to_string();
    let refusal = |text: &str| text.parse::<VerifierKey>().err();
    assert_eq!(refusal(&vkey.replace("log.example/a", "log.example/b")), Some(KeyError::Id));
    assert_eq!(refusal("log.example/a"), Some(KeyError::Format));
    assert_eq!(refusal("log.example/a+00000000+"), Some(KeyError::Format));
    assert_eq!(refusal(&format!("{vkey}=")), Some(KeyError::Format));
    // The neutral element, and the encoding p + 1 of the same point.
    let mut neutral = [0; 32];
    neutral[0] = 1;
    let mut above_prime = [0xff; 32];
    (above_prime[0], above_prime[31]) = (0xee, 0x7f);
    for point in [neutral, above_prime, [0; 32]] {
        assert_eq!(VerifierKey::new("n", &point).err(), Some(KeyError::Point));
    }
}

#[test]
fn a_signing_key_shows_only_its_name() {
    let key = SigningKey::from_seed("log.example/a", &[7; 32]).unwrap();
    assert_eq!(format!("{key:?}"), "SigningKey(log.example/a)");
}
