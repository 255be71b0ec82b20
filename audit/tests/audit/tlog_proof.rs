//! tlog-proof texts: read back strictly, and verified by whoever has the log's key.

use pmh_audit::note::NoteError;
use pmh_audit::receipt::TlogProofError;
use pmh_audit::tree::ProofError;
use pmh_audit::{Hash, ReceiptError, SigningKey, TlogProof};
use proptest::collection::vec;
use proptest::prelude::*;

use crate::fixture;
use crate::support::path;

fn golden() -> String {
    std::fs::read_to_string(path("golden/receipt.tlog-proof")).unwrap()
}

fn refusal(text: &str) -> Option<TlogProofError> {
    TlogProof::decode(text.as_bytes()).err()
}

#[test]
fn the_golden_proof_is_read_written_back_and_verified() {
    let proof = TlogProof::decode(golden().as_bytes()).unwrap();
    assert_eq!(proof.encode(), golden());
    let proved = proof.verify(&fixture::vkey()).unwrap();
    assert_eq!((proved.leaf, proved.index, proved.checkpoint.size()), (fixture::leaf(), 5, 7));
}

#[test]
fn what_does_not_prove_is_named() {
    let read = |text: &str| TlogProof::decode(text.as_bytes()).unwrap();
    let other = SigningKey::from_seed(fixture::ORIGIN, &[8; 32]).unwrap();
    let verdict = read(&golden()).verify(other.verifier());
    assert_eq!(verdict, Err(ReceiptError::NoteSignature(NoteError::Unsigned)));
    let moved = read(&golden().replace("index 5", "index 4"));
    assert_eq!(moved.verify(&fixture::vkey()), Err(ReceiptError::TreePath(ProofError::Root)));
    let outside = read(&golden().replace("index 5", "index 7"));
    assert_eq!(outside.verify(&fixture::vkey()), Err(ReceiptError::TreePath(ProofError::Range)));
    let bare: String = golden().split_inclusive('\n').filter(|line| !line.starts_with("extra")).collect();
    assert!(matches!(read(&bare).verify(&fixture::vkey()), Err(ReceiptError::Leaf(_))));
}

#[test]
fn what_is_no_proof_is_named() {
    let g = golden();
    assert_eq!(refusal(&g.replace("@v1", "@v2")), Some(TlogProofError::Header));
    assert_eq!(refusal(&g.replace("extra AQ", "extra !A")), Some(TlogProofError::Extra));
    assert_eq!(refusal(&g.replace("extra ", "Extra ")), Some(TlogProofError::Index));
    for index in ["index 05", "index +5", "index", "index  5", "5", "index 5 "] {
        assert_eq!(refusal(&g.replace("index 5", index)), Some(TlogProofError::Index), "{index}");
    }
    assert_eq!(refusal(&g.replace("qQ=\n", "qQ=\r\n")), Some(TlogProofError::Path));
    assert_eq!(refusal(&g.replace("index 5\n", "index 5\nAAAA\n")), Some(TlogProofError::Path));
    let long = format!("index 5\n{}", "TzUhLRL5rSA2SSyV8f55uvTse9m+89/6dXnyKT/1RqQ=\n".repeat(61));
    assert_eq!(refusal(&g.replace("index 5\n", &long)), Some(TlogProofError::Path));
    assert_eq!(refusal(g.trim_end()), Some(TlogProofError::Note));
    assert_eq!(refusal(&g.split_inclusive("\n\n").take(2).collect::<String>()), Some(TlogProofError::Note));
}

proptest! {
    #[test]
    fn decoding_is_the_inverse_of_encoding(
        extra in prop::option::of(vec(any::<u8>(), 0..300)),
        index: u64,
        path in vec(any::<Hash>(), 0..=63),
    ) {
        let proof = TlogProof::new(extra, index, path, fixture::receipt().checkpoint).unwrap();
        prop_assert_eq!(TlogProof::decode(proof.encode().as_bytes()), Ok(proof));
    }

    #[test]
    fn what_is_accepted_is_what_encoding_makes(at in any::<prop::sample::Index>(), byte: u8) {
        let mut text = golden().into_bytes();
        let at = at.index(text.len());
        text[at] = byte;
        if let Ok(proof) = TlogProof::decode(&text) {
            prop_assert_eq!(proof.encode().into_bytes(), text.clone());
            // Another byte in it is another proof, and proves nothing.
            prop_assert_eq!(proof.verify(&fixture::vkey()).is_ok(), text == golden().into_bytes());
        }
    }
}
