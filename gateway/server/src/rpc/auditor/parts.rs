//! OpenParts.

use pmh_audit::{Leaf, Part};
use pmh_proto::{audit as pb, common::Reason};
use pmh_store::StoredEntry;

use super::{names, whole};
use crate::{
    ops::{
        Call,
        auditor::{Opened, open_parts},
    },
    rpc::{audit::which, fields::Fields, receipt, service::Service, status::Refusal},
};

impl Service {
    pub(crate) async fn parts(
        &self,
        call: &Call,
        message: &pb::OpenPartsRequest,
    ) -> Result<pb::OpenPartsResponse, Refusal> {
        self.permit(call)?;
        let mut checked = Fields::default();
        let parts = asked(&mut checked, &message.parts);
        let warrant = names::reference(&mut checked, "warrant", &message.warrant);
        checked.finish()?;
        let place = (which(message.log), message.index);
        let render = |stored: &StoredEntry, leaf: &Leaf, opened: &[Opened]| pb::OpenPartsResponse {
            entry: Some(whole(stored, leaf)),
            parts: opened.iter().map(part).collect(),
            receipt: None,
        };
        let warrant = warrant.unwrap_or_default();
        let recorded = open_parts(&self.gateway, call, place, parts, warrant, render).await?;
        let (mut response, proof) = recorded.into_parts();
        response.receipt = proof.map(|proof| self.receipt(proof));
        Ok(response)
    }
}

fn asked(checked: &mut Fields, numbers: &[i32]) -> Vec<Part> {
    if numbers.is_empty() {
        checked.wrong("parts", Reason::Required);
    }
    let mut parts = Vec::new();
    for (place, number) in numbers.iter().enumerate() {
        let part = match pb::EntryPart::try_from(*number) {
            Ok(pb::EntryPart::Subject) => Some(Part::Subject),
            Ok(pb::EntryPart::Actor) => Some(Part::Actor),
            Ok(pb::EntryPart::Detail) => Some(Part::Detail),
            Ok(pb::EntryPart::Unspecified) | Err(_) => None,
        };
        match part.filter(|part| !parts.contains(part)) {
            Some(part) => parts.push(part),
            None => checked.wrong(format!("parts[{place}]"), Reason::Value),
        }
        if parts.len() > Part::ALL.len() {
            break;
        }
    }
    parts
}

fn part((part, opening): &Opened) -> pb::OpenedPart {
    let part = match part {
        Part::Subject => pb::EntryPart::Subject,
        Part::Actor => pb::EntryPart::Actor,
        Part::Detail => pb::EntryPart::Detail,
        Part::Chain => pb::EntryPart::Unspecified,
    };
    let (opening, reason, erased_by) = match opening {
        Ok(opening) => (Some(receipt::opening(opening.clone())), Reason::Unspecified, None),
        Err(erased_by) => (None, Reason::Erased, *erased_by),
    };
    pb::OpenedPart { part: part.into(), opening, reason: reason.into(), erased_by }
}
