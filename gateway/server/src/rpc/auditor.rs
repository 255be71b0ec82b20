//! What an auditor asks, parsed and answered.

pub(super) mod names;
mod parts;
mod person;

use pmh_audit::{Hash, Leaf, tree::leaf_hash};
use pmh_proto::{audit as pb, common::Reason};
use pmh_store::{Filter, StoredEntry};

use super::{
    audit::{hashes, which},
    convert,
    fields::Fields,
    service::Service,
    status::Refusal,
};
use crate::ops::{
    Call,
    auditor::{self, Found, Search, Seen},
};

impl Service {
    pub(crate) async fn entry(
        &self,
        call: &Call,
        message: &pb::GetEntryRequest,
    ) -> Result<pb::GetEntryResponse, Refusal> {
        self.permit(call)?;
        let render = |seen: &Seen, path: &[Hash], note: &str| pb::GetEntryResponse {
            entry: Some(shown(seen)),
            path: hashes(path),
            checkpoint: note.to_owned(),
            receipt: None,
        };
        let recorded = auditor::entry(&self.gateway, call, which(message.log), message.index, render).await?;
        let (mut response, proof) = recorded.into_parts();
        response.receipt = proof.map(|proof| self.receipt(proof));
        Ok(response)
    }

    pub(crate) async fn search(
        &self,
        call: &Call,
        message: &pb::SearchEntriesRequest,
    ) -> Result<pb::SearchEntriesResponse, Refusal> {
        self.permit(call)?;
        let search = search(message)?;
        let render = |found: &Found| pb::SearchEntriesResponse {
            entries: found.entries.iter().map(shown).collect(),
            next_page_token: found.next.map(|(index, size)| format!("{index}.{size}")).unwrap_or_default(),
            tree_size: found.tree_size,
            checkpoint: found.checkpoint.clone(),
            subject: found.subject.clone().unwrap_or_default(),
            receipt: None,
        };
        let recorded = auditor::search(&self.gateway, call, &search, render).await?;
        let (mut response, proof) = recorded.into_parts();
        response.receipt = proof.map(|proof| self.receipt(proof));
        Ok(response)
    }
}

fn search(message: &pb::SearchEntriesRequest) -> Result<Search, Refusal> {
    let mut checked = Fields::default();
    let from_us = instant(&mut checked, "from", message.from.as_ref());
    let to_us = instant(&mut checked, "to", message.to.as_ref());
    let after = page(&mut checked, &message.page_token);
    let filter = Filter {
        requester: names::organization(&mut checked, "requester", &message.requester),
        holder: names::organization(&mut checked, "holder", &message.holder),
        method: names::method(&mut checked, &message.method),
        purpose: names::purpose(&mut checked, &message.purpose),
        outcome: names::outcome(&mut checked, message.outcome),
        kind: names::kind(&mut checked, message.kind),
        categories: names::category(&mut checked, &message.category),
        break_glass: message.break_glass,
        case_reference: names::optional(&message.case_reference)
            .and_then(|text| names::reference(&mut checked, "case_reference", text)),
    };
    let person_search_id =
        names::optional(&message.person_search_id).and_then(|text| checked.uuid("person_search_id", text));
    checked.finish()?;
    let limit = match message.page_size {
        0 => DEFAULT_PAGE,
        asked => usize::try_from(asked).unwrap_or(LARGEST_PAGE).min(LARGEST_PAGE),
    };
    Ok(Search { log: which(message.log), from_us, to_us, filter, person_search_id, limit, after })
}

fn instant(checked: &mut Fields, path: &str, asked: Option<&prost_types::Timestamp>) -> Option<i64> {
    let us = convert::to_micros(asked?);
    if us.is_none() {
        checked.wrong(path, Reason::Date);
    }
    us
}

/// Next index and tree size. Whether there is such a tree is the operation's question.
fn page(checked: &mut Fields, token: &str) -> Option<(u64, u64)> {
    let (index, size) = names::optional(token)?.split_once('.').unwrap_or_default();
    let place: Option<(u64, u64)> = index.parse().ok().zip(size.parse().ok());
    if place.is_none_or(|(index, size)| index > size) {
        checked.wrong("page_token", Reason::Value);
    }
    place
}

fn shown(seen: &Seen) -> pb::Entry {
    match seen {
        Seen::Whole(stored, leaf) => whole(stored, leaf),
        Seen::Outside(index, leaf_hash) => pb::Entry {
            index: *index,
            leaf_hash: leaf_hash.to_vec(),
            outside_jurisdiction: true,
            ..Default::default()
        },
    }
}

fn whole(stored: &StoredEntry, leaf: &Leaf) -> pb::Entry {
    let name =
        |org: &Option<pmh_audit::OrgRef>| org.as_ref().map(|org| org.as_str().to_owned()).unwrap_or_default();
    pb::Entry {
        index: stored.index,
        leaf: stored.leaf.clone(),
        time: Some(convert::micros(i64::try_from(leaf.time_us).unwrap_or(i64::MAX))),
        kind: u8::from(leaf.kind).into(),
        method: leaf.method.name().unwrap_or_default().to_owned(),
        requester: name(&leaf.requester),
        holder: name(&leaf.holder),
        purpose: leaf.purpose.0.into(),
        outcome: leaf.outcome.into(),
        leaf_hash: leaf_hash(&stored.leaf).to_vec(),
        outside_jurisdiction: false,
        categories: leaf.categories.names().map(str::to_owned).collect(),
    }
}

const DEFAULT_PAGE: usize = 100;
const LARGEST_PAGE: usize = 256;
