//! The proof of one entry, verified here with the same code as an auditor's own program, and taken apart for drawing.

use pmh_audit::{
    Checkpoint, Cosigned, Hash, TlogProof, VerifierKey, WitnessKey,
    note::{CheckpointError, Cosignature},
    tree::{ProofError, leaf_hash, node_hash, verify_inclusion},
};

/// An entry that a signed tree holds.
pub(super) struct Proof {
    pub(super) index: u64,
    pub(super) leaf_hash: Hash,
    pub(super) checkpoint: Checkpoint,
    pub(super) note: String,
    pub(super) cosignatures: Vec<Cosignature>,
    /// From the leaf upwards.
    pub(super) steps: Vec<Step>,
}

/// One level of the path.
pub(super) struct Step {
    pub(super) side: Side,
    pub(super) sibling: Hash,
    /// Both together.
    pub(super) parent: Hash,
}

/// Where the neighbour stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    Left,
    Right,
}

/// What the gateway gives is not what it should prove.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unproved {
    #[error("a hash is not 32 bytes")]
    Length,
    #[error("the leaf is not what its hash says")]
    Leaf,
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    #[error(transparent)]
    Path(#[from] ProofError),
}

/// What a proof is made of; `leaf` is empty outside the jurisdiction.
pub(super) struct Pieces<'a> {
    pub(super) index: u64,
    pub(super) leaf: &'a [u8],
    pub(super) leaf_hash: &'a [u8],
    pub(super) path: Vec<Hash>,
    pub(super) note: &'a str,
}

/// Verifies the pieces.
pub(super) fn prove(
    pieces: Pieces<'_>,
    key: &VerifierKey,
    witnesses: &[WitnessKey],
) -> Result<Proof, Unproved> {
    let Pieces { index, leaf, leaf_hash: hash, path, note } = pieces;
    let hash: Hash = hash.try_into().map_err(|_| Unproved::Length)?;
    if !leaf.is_empty() && leaf_hash(leaf) != hash {
        return Err(Unproved::Leaf);
    }
    let cosigned = Cosigned::open(note.as_bytes(), key, witnesses)?;
    let checkpoint = cosigned.checkpoint().clone();
    verify_inclusion(index, checkpoint.size(), &hash, &path, checkpoint.root())?;
    let steps = steps(index, checkpoint.size(), hash, &path);
    let cosignatures = cosigned.cosignatures().to_vec();
    Ok(Proof { index, leaf_hash: hash, checkpoint, note: note.to_owned(), cosignatures, steps })
}

impl Proof {
    /// The same as a text for other programs.
    pub(super) fn text(&self, leaf: &[u8]) -> Option<String> {
        let path = self.steps.iter().map(|step| step.sibling).collect();
        let extra = (!leaf.is_empty()).then(|| leaf.to_vec());
        TlogProof::new(extra, self.index, path, self.note.clone()).ok().map(|proof| proof.encode())
    }
}

/// The levels of a verified path (RFC 9162 §2.1.3.2).
fn steps(index: u64, size: u64, leaf: Hash, path: &[Hash]) -> Vec<Step> {
    let (mut node, mut last, mut hash) = (index, size.saturating_sub(1), leaf);
    let climb = |sibling: &Hash| {
        let is_left = node & 1 == 1 || node == last;
        let parent = if is_left { node_hash(sibling, &hash) } else { node_hash(&hash, sibling) };
        if is_left {
            // A node without a right neighbour rises until it has a left one.
            while node & 1 == 0 && node != 0 {
                (node, last) = (node >> 1, last >> 1);
            }
        }
        (node, last, hash) = (node >> 1, last >> 1, parent);
        Step { side: if is_left { Side::Left } else { Side::Right }, sibling: *sibling, parent }
    };
    path.iter().map(climb).collect()
}

#[cfg(test)]
mod tests {
    use pmh_audit::{
        SigningKey,
        tree::{inclusion_path, root_of},
    };

    use super::*;

    fn log(size: u64) -> (Vec<Hash>, SigningKey, String) {
        let leaves: Vec<Hash> = (0..size).map(|n| leaf_hash(&n.to_be_bytes())).collect();
        let key = SigningKey::from_seed("audit.test/console", &[7; 32]).unwrap();
        let note = Checkpoint::new("audit.test/console", size, root_of(&leaves)).unwrap().sign(&key).unwrap();
        (leaves, key, note)
    }

    fn pieces<'a>(leaves: &'a [Hash], index: u64, note: &'a str) -> Pieces<'a> {
        let size = leaves.len() as u64;
        let of = |range: std::ops::Range<u64>| {
            let range = usize::try_from(range.start).unwrap()..usize::try_from(range.end).unwrap();
            Ok::<_, std::convert::Infallible>(leaves[range].to_vec())
        };
        let path = inclusion_path(index, size, of).unwrap();
        Pieces { index, leaf: &[], leaf_hash: &leaves[usize::try_from(index).unwrap()], path, note }
    }

    #[test]
    fn every_path_of_every_small_tree_ends_at_the_signed_root() {
        for size in 1..=33 {
            let (leaves, key, note) = log(size);
            for index in 0..size {
                let proof = prove(pieces(&leaves, index, &note), key.verifier(), &[]).unwrap();
                let top = proof.steps.last().map_or(proof.leaf_hash, |step| step.parent);
                assert_eq!(&top, proof.checkpoint.root(), "entry {index} of {size}");
            }
        }
    }

    #[test]
    fn what_does_not_fit_is_no_proof() {
        let (leaves, key, note) = log(9);
        let good = || pieces(&leaves, 4, &note);
        assert!(prove(good(), key.verifier(), &[]).is_ok());
        let mut bent = good();
        bent.path[1][0] ^= 1;
        assert!(matches!(prove(bent, key.verifier(), &[]), Err(Unproved::Path(_))));
        assert!(matches!(prove(Pieces { index: 5, ..good() }, key.verifier(), &[]), Err(Unproved::Path(_))));
        assert!(matches!(prove(Pieces { leaf: b"x", ..good() }, key.verifier(), &[]), Err(Unproved::Leaf)));
        let other = SigningKey::from_seed("audit.test/console", &[8; 32]).unwrap();
        assert!(matches!(prove(good(), other.verifier(), &[]), Err(Unproved::Checkpoint(_))));
    }

    #[test]
    fn the_text_is_what_other_programs_read() {
        let (leaves, key, note) = log(6);
        let text = prove(pieces(&leaves, 3, &note), key.verifier(), &[]).unwrap().text(b"").unwrap();
        let read = TlogProof::decode(text.as_bytes()).unwrap();
        assert_eq!((read.index(), read.path().len(), read.note()), (3, 3, note.as_str()));
    }
}
