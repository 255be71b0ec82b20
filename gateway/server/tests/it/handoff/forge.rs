//! What whoever holds a log's key can make of a receipt.

use pmh_audit::{Checkpoint, Frontier, Leaf, SigningKey, tree::leaf_hash};
use pmh_proto::audit::Receipt;

use super::rig::{now, witness};

/// The same entry some hours later, or earlier, at the same place in a tree of the forger's own.
pub(super) fn dated(receipt: &Receipt, hours: i64, signer: &SigningKey) -> Receipt {
    let leaf = Leaf::decode(&receipt.leaf).unwrap();
    let time_us = leaf.time_us.checked_add_signed(hours * 3_600_000_000).unwrap();
    let leaf = Leaf { time_us, ..leaf };
    let others: Vec<_> = (0..receipt.index).map(|place| leaf_hash(&place.to_be_bytes())).collect();
    let mut tree = Frontier::of(&others);
    let path = tree.append(&[leaf.hash()]).remove(0);
    let checkpoint = Checkpoint::new(signer.verifier().name(), tree.size(), tree.root()).unwrap();
    Receipt {
        leaf: leaf.encode(),
        tree_size: tree.size(),
        path: path.iter().map(|hash| hash.to_vec()).collect(),
        checkpoint: checkpoint.sign(signer).unwrap(),
        ..receipt.clone()
    }
}

/// The receipt with the witness's line under its checkpoint.
pub(super) fn cosigned(receipt: &Receipt) -> Receipt {
    let (text, _) = receipt.checkpoint.split_once("\n\n").unwrap();
    let line = witness().cosign(&format!("{text}\n"), u64::try_from(now()).unwrap()).unwrap();
    Receipt { checkpoint: format!("{}{line}", receipt.checkpoint), ..receipt.clone() }
}
