//! What is kept of a resident, for the municipality that sent it.

use std::sync::Arc;

use pmh_audit::Kind;
use pmh_domain::checkup::visibility::Viewer;
use pmh_proto::common::Reason;
use pmh_store::{Concluding, Conclusion, Reply, checkup::KeptCheckup};
use sha2::{Digest as _, Sha256};

use super::{Kept, own_draft};
use crate::{
    ops::{
        Call, Gateway,
        refusals::{refused, settled},
        unavailable,
    },
    rpc::status::Refusal,
};

/// The records of one of the caller's own residents as they read now.
pub async fn list_checkups(
    gateway: &Arc<Gateway>,
    call: &Call,
    resident_key: String,
    render: impl Fn(&[KeptCheckup]) -> Vec<u8> + Send + 'static,
) -> Result<Kept, Refusal> {
    let issuer = call.issuer()?;
    let (call, keeper) = (call.clone(), Arc::clone(gateway));
    let recorded = gateway
        .store
        .list_checkups(gateway.attempt(), issuer, resident_key, move |concluding| {
            let Concluding::Fresh(Some((subject, kept))) = concluding else {
                return refused(Reason::NotFound);
            };
            let seen: Vec<KeptCheckup> = kept.iter().filter_map(as_home).collect();
            let answer = render(&seen);
            let mut draft = own_draft(&call, Kind::Disclosure, Sha256::digest(&answer).into());
            draft.subject = keeper.entry_subject(subject, call.peer.urn());
            Conclusion { reply: Reply::Answer(answer), draft: Some(draft) }
        })
        .await
        .map_err(|fault| unavailable(&fault))?;
    settled(recorded)
}

/// No record leaves but through the view of who asks.
fn as_home(kept: &KeptCheckup) -> Option<KeptCheckup> {
    let checkup = kept.checkup.seen_by(Viewer::HomeMunicipality)?;
    Some(KeptCheckup { checkup, amended: kept.amended, disputed: kept.disputed })
}
