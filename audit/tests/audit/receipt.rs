//! A receipt proves what it says, and any change of it is found and named.

use std::ops::Range;

use pmh_audit::note::NoteError;
use pmh_audit::tree::{ProofError, consistency_path, leaf_hash, verify_consistency};
use pmh_audit::{
    Checkpoint, CodecError, Frontier, Hash, Leaf, Opening, Part, Receipt, ReceiptError, Salt, SigningKey,
    Verified,
};

use crate::fixture::{self, ORIGIN, REQUEST, RESPONSE};
use crate::support::full_scale;

fn verify(receipt: &Receipt) -> Result<Verified, ReceiptError> {
    receipt.verify(&fixture::vkey(), &REQUEST, &RESPONSE)
}

#[test]
fn a_receipt_verifies_and_tells_what_it_proved() {
    let verified = verify(&fixture::receipt()).unwrap();
    assert_eq!(verified.leaf, fixture::leaf());
    assert_eq!(verified.detail, fixture::detail());
    assert_eq!(verified.subject, Some(fixture::subject()));
    assert_eq!((verified.index, verified.checkpoint.size(), verified.checkpoint.origin()), (5, 7, ORIGIN));
}

#[test]
fn the_tree_of_a_receipt_is_consistent_with_the_log_years_later() {
    let verified = verify(&fixture::receipt()).unwrap();
    let mut log: Vec<Hash> = [0, 1, 2, 3, 4].map(|i: u8| leaf_hash(&[i])).to_vec();
    log.extend([verified.leaf_hash, leaf_hash(&[6])]);
    log.extend([leaf_hash(b"later"); 100]);
    let source = |range: Range<u64>| {
        Ok::<_, ()>(log[usize::try_from(range.start).unwrap()..usize::try_from(range.end).unwrap()].to_vec())
    };
    let proof = consistency_path(7, 107, source).unwrap();
    let later = Frontier::of(&log).root();
    assert_eq!(verify_consistency(7, 107, &proof, verified.checkpoint.root(), &later), Ok(()));
}

#[test]
fn another_request_or_response_is_named() {
    let receipt = fixture::receipt();
    let key = fixture::vkey();
    assert_eq!(receipt.verify(&key, &[0; 32], &RESPONSE), Err(ReceiptError::RequestDigest));
    assert_eq!(receipt.verify(&key, &REQUEST, &[0; 32]), Err(ReceiptError::ResponseDigest));
}

#[test]
fn another_key_is_named() {
    let other = SigningKey::from_seed(ORIGIN, &[8; 32]).unwrap();
    let verdict = fixture::receipt().verify(other.verifier(), &REQUEST, &RESPONSE);
    assert_eq!(verdict, Err(ReceiptError::NoteSignature(NoteError::Unsigned)));
}

#[test]
fn another_log_under_the_same_key_is_named() {
    let mut receipt = fixture::receipt();
    let text = receipt.checkpoint.split("\n\n").next().unwrap().replace("gateway", "auth");
    receipt.checkpoint = fixture::key().sign(&format!("{text}\n")).unwrap();
    assert_eq!(verify(&receipt), Err(ReceiptError::Origin));
    receipt.checkpoint = fixture::key().sign("not a checkpoint\n").unwrap();
    assert_eq!(verify(&receipt), Err(ReceiptError::Checkpoint));
}

#[test]
fn every_changed_byte_of_the_leaf_is_found() {
    each_changed(&fixture::receipt().leaf, |changed| {
        let error = verify(&Receipt { leaf: changed, ..fixture::receipt() }).unwrap_err();
        assert!(matches!(error, ReceiptError::Leaf(_) | ReceiptError::TreePath(ProofError::Root)), "{error}");
    });
}

#[test]
fn every_changed_byte_of_the_path_is_found() {
    each_changed(fixture::receipt().path.as_flattened(), |changed| {
        let path = changed.as_chunks::<32>().0.to_vec();
        let verdict = verify(&Receipt { path, ..fixture::receipt() });
        assert_eq!(verdict, Err(ReceiptError::TreePath(ProofError::Root)));
    });
}

#[test]
fn every_changed_byte_of_the_checkpoint_is_found() {
    each_changed(fixture::receipt().checkpoint.as_bytes(), |changed| {
        // A receipt holds text; what is not UTF-8 does not even get in.
        let Ok(checkpoint) = String::from_utf8(changed) else { return };
        let error = verify(&Receipt { checkpoint, ..fixture::receipt() }).unwrap_err();
        assert!(matches!(error, ReceiptError::NoteSignature(_)), "{error}");
    });
}

#[test]
fn every_changed_byte_of_an_opening_is_found() {
    let receipt = fixture::receipt();
    let subject = receipt.subject.clone().unwrap();
    each_opening(&receipt.detail, |detail| {
        assert_eq!(verify(&Receipt { detail, ..receipt.clone() }), Err(ReceiptError::DetailOpening));
    });
    each_opening(&subject, |subject| {
        let changed = Receipt { subject: Some(subject), ..receipt.clone() };
        assert_eq!(verify(&changed), Err(ReceiptError::SubjectOpening));
    });
}

#[test]
fn a_wrong_place_or_size_is_found() {
    let receipt = fixture::receipt();
    for index in (0..7).filter(|index| *index != receipt.index) {
        let error = verify(&Receipt { index, ..receipt.clone() }).unwrap_err();
        assert!(matches!(error, ReceiptError::TreePath(_)), "{error}");
    }
    for index in [7, u64::MAX] {
        let verdict = verify(&Receipt { index, ..receipt.clone() });
        assert_eq!(verdict, Err(ReceiptError::TreePath(ProofError::Range)));
    }
    for tree_size in [0, 6, 8, u64::MAX] {
        assert_eq!(verify(&Receipt { tree_size, ..receipt.clone() }), Err(ReceiptError::TreeSize));
    }
}

#[test]
fn a_path_too_long_or_too_short_is_found() {
    let receipt = fixture::receipt();
    for path in [receipt.path[1..].to_vec(), [receipt.path.as_slice(), &[[0; 32]]].concat(), Vec::new()] {
        let verdict = verify(&Receipt { path, ..receipt.clone() });
        assert_eq!(verdict, Err(ReceiptError::TreePath(ProofError::Length)));
    }
}

#[test]
fn openings_cannot_change_places() {
    let receipt = fixture::receipt();
    let subject = receipt.subject.clone().unwrap();
    let exchanged = Receipt { detail: subject, subject: Some(receipt.detail.clone()), ..receipt };
    assert_eq!(verify(&exchanged), Err(ReceiptError::DetailOpening));
}

#[test]
fn bodies_that_were_committed_malformed_are_named() {
    let malformed = Opening { salt: Salt::new([1; 32]), body: vec![9] };
    let detail = receipt_with(malformed.clone(), fixture::openings()[0].clone());
    assert_eq!(verify(&detail), Err(ReceiptError::DetailBody(CodecError::Version)));
    let subject = receipt_with(fixture::openings()[3].clone(), malformed);
    assert_eq!(verify(&subject), Err(ReceiptError::SubjectBody(CodecError::Version)));
}

#[test]
fn an_entry_about_no_person_opens_to_none() {
    let nobody = Opening { salt: Salt::new([1; 32]), body: Vec::new() };
    let receipt = receipt_with(fixture::openings()[3].clone(), nobody);
    assert_eq!(verify(&receipt).unwrap().subject, None);
    let unopened = Receipt { subject: None, ..receipt };
    assert_eq!(verify(&unopened).unwrap().subject, None);
}

#[test]
fn a_tlog_proof_carries_leaf_index_path_and_checkpoint_line_by_line() {
    let receipt = fixture::receipt();
    let text = receipt.to_tlog_proof();
    let (proof, checkpoint) = text.split_once("\n\n").unwrap();
    assert_eq!(checkpoint, receipt.checkpoint);
    let lines: Vec<&str> = proof.lines().collect();
    assert_eq!(lines[0], "c2sp.org/tlog-proof@v1");
    assert!(lines[1].starts_with("extra "));
    assert_eq!(lines[2], "index 5");
    assert_eq!(lines.len(), 3 + receipt.path.len());
}

/// The only entry of a log, with these two parts.
fn receipt_with(detail: Opening, subject: Opening) -> Receipt {
    let leaf = Leaf {
        detail: detail.commitment(Part::Detail),
        subject: subject.commitment(Part::Subject),
        ..fixture::leaf()
    };
    let checkpoint = Checkpoint::new(ORIGIN, 1, leaf.hash()).unwrap().sign(&fixture::key()).unwrap();
    Receipt {
        leaf: leaf.encode(),
        index: 0,
        tree_size: 1,
        path: Vec::new(),
        checkpoint,
        detail,
        subject: Some(subject),
    }
}

fn each_opening(opening: &Opening, mut check: impl FnMut(Opening)) {
    each_changed(opening.salt.as_bytes(), |salt| {
        let salt: [u8; 32] = salt.try_into().unwrap();
        check(Opening { salt: salt.into(), body: opening.body.clone() });
    });
    each_changed(&opening.body, |body| check(Opening { salt: opening.salt.clone(), body }));
}

/// One bit of each byte in turn; all eight at full scale.
fn each_changed(bytes: &[u8], mut check: impl FnMut(Vec<u8>)) {
    let bits = if full_scale() { 8 } else { 1 };
    for at in 0..bytes.len() {
        for bit in 0..bits {
            let mut changed = bytes.to_vec();
            changed[at] ^= 1 << ((at + bit) % 8);
            check(changed);
        }
    }
}
