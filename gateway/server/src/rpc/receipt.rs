//! Receipts on the wire.

use pmh_proto::audit as pb;

/// The library's receipt as a message.
pub fn to_proto(receipt: pmh_audit::Receipt) -> pb::Receipt {
    pb::Receipt {
        leaf: receipt.leaf,
        index: receipt.index,
        tree_size: receipt.tree_size,
        path: receipt.path.iter().map(|hash| hash.to_vec()).collect(),
        checkpoint: receipt.checkpoint,
        detail: Some(opening(receipt.detail)),
        subject: receipt.subject.map(opening),
    }
}

fn opening(opening: pmh_audit::Opening) -> pb::Opening {
    pb::Opening { salt: opening.salt.as_bytes().to_vec(), body: opening.body }
}
