//! Receipts on the wire.

use pmh_audit::Receipt;
use pmh_proto::audit::{self as pb, WitnessState};

use super::convert;
use crate::ops::{
    Gateway,
    witnessing::{Heard, Quorum},
};

/// The library's receipt as a message, before [`mark`].
pub fn to_proto(receipt: Receipt) -> pb::Receipt {
    pb::Receipt {
        leaf: receipt.leaf,
        index: receipt.index,
        tree_size: receipt.tree_size,
        path: receipt.path.iter().map(|hash| hash.to_vec()).collect(),
        checkpoint: receipt.checkpoint,
        detail: Some(opening(receipt.detail)),
        subject: receipt.subject.map(opening),
        chain: None,
        witnesses: None,
    }
}

/// The receipt of a look at one's own list: it opens the look's own place there.
pub fn with_chain(receipt: Receipt, chain: pmh_audit::Opening) -> pb::Receipt {
    pb::Receipt { chain: Some(opening(chain)), ..to_proto(receipt) }
}

/// Says how far witnesses have followed the receipt's log (audit.md §2.6, the age rule).
pub(crate) fn mark(gateway: &Gateway, receipt: &mut pb::Receipt) {
    let Some(quorum) = gateway.witnesses.quorum(gateway.now_us()) else { return };
    let Heard { time_us, gateway: records, auth } = gateway.witnesses.heard();
    let state = match quorum {
        Quorum::Fresh => WitnessState::Fresh,
        Quorum::Late => WitnessState::Late,
    };
    let (_, auth_key) = gateway.log_keys();
    let is_auth = receipt.checkpoint.lines().next() == Some(auth_key.name());
    let cosigned_size = if is_auth { auth } else { records };
    let cosigned_time = (cosigned_size > 0).then(|| convert::micros(time_us));
    receipt.witnesses = Some(pb::WitnessMark { state: state.into(), cosigned_size, cosigned_time });
}

pub(super) fn opening(opening: pmh_audit::Opening) -> pb::Opening {
    pb::Opening { salt: opening.salt.as_bytes().to_vec(), body: opening.body }
}
