//! Opening parts of one entry, under a warrant.

use pmh_audit::{Leaf, Opening, Part, SubjectBody};
use pmh_proto::common::Reason;
use pmh_store::{Recorded, StoredEntry, SubjectRef};

use super::{Log, Response, stored, under};
use crate::{
    ops::{Call, Gateway, unavailable},
    rpc::status::Refusal,
};

/// A part and what opens it; if it was erased, the entry that says so, as far as it is known.
pub type Opened = (Part, Result<Opening, Option<u64>>);

/// Opens the parts asked for. `render` makes the response.
pub async fn open_parts<R: Response>(
    gateway: &Gateway,
    call: &Call,
    (log, index): (Log, u64),
    parts: Vec<Part>,
    warrant: String,
    render: impl Fn(&StoredEntry, &Leaf, &[Opened]) -> R + Send + 'static,
) -> Result<Recorded<R>, Refusal> {
    let (stored, leaf) = stored(gateway, log, index).await?;
    if !gateway.jurisdictions.of(call.short()).covers(&leaf) {
        return Err(gateway.refuse_auditor(call, Reason::OutsideJurisdiction, &warrant).await);
    }
    let openings = gateway.reader(log).openings(index).await.map_err(|fault| unavailable(&fault))?;
    let erased_by = match openings {
        Some(_) => None,
        None => gateway.reader(log).erased_by(index).await.map_err(|fault| unavailable(&fault))?,
    };
    // Who is named to somebody finds that in their own list; who is not is not named by the record either.
    let person = person_of(gateway, &leaf, openings.as_deref()).filter(|_| parts.contains(&Part::Subject));
    let subject = person.and_then(|reference| gateway.entry_subject(reference, call.peer.urn()));
    let opened: Vec<Opened> = parts
        .into_iter()
        .map(|part| {
            let opening = openings.as_ref().and_then(|openings| openings.get(place(part)).cloned());
            (part, opening.ok_or(erased_by))
        })
        .collect();
    let call = call.clone();
    gateway
        .store
        .disclose(gateway.attempt(), None, move |_, _| {
            let response = render(&stored, &leaf, &opened);
            let mut draft = under(&call, response.digest(), Some(&warrant));
            draft.subject.clone_from(&subject);
            (response, Some(draft))
        })
        .await
        .map_err(|fault| unavailable(&fault))
}

/// The person whom an entry is about: its subject part names them as the
/// requester knows them.
pub(super) fn person_of(gateway: &Gateway, leaf: &Leaf, openings: Option<&[Opening]>) -> Option<SubjectRef> {
    let subject = openings?.get(place(Part::Subject))?;
    let subject = SubjectBody::decode(&subject.body).ok()?;
    let sector = format!("urn:x-pmh:org:{}", leaf.requester.as_ref()?);
    let person = gateway.pairwise.open(subject.sub(), &sector).ok()?;
    Some(gateway.subject_refs.subject_ref(&person))
}

fn place(part: Part) -> usize {
    Part::ALL.into_iter().take_while(|known| *known != part).count()
}
