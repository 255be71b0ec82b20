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
        chain: None,
    }
}

/// The receipt of a look at one's own list: it opens the look's own place there.
pub fn with_chain(receipt: pmh_audit::Receipt, chain: pmh_audit::Opening) -> pb::Receipt {
    pb::Receipt { chain: Some(opening(chain)), ..to_proto(receipt) }
}

pub(super) fn opening(opening: pmh_audit::Opening) -> pb::Opening {
    pb::Opening { salt: opening.salt.as_bytes().to_vec(), body: opening.body }
}
