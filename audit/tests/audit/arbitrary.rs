//! Random values of every encoded type.

use pmh_audit::part::{Audience, ChainLink, GroupOutcome, Rows};
use pmh_audit::registry::{Acr, Categories, Method, Purpose, Tier};
use pmh_audit::{
    ActorBody, ChainBody, DetailBody, Hash, Kind, Leaf, OrgRef, Reference, References, ShortText, SubjectBody,
};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

pub(crate) fn leaf() -> impl Strategy<Value = Leaf> {
    let head = (any::<u8>(), any::<u64>(), any::<[u8; 16]>());
    let codes = (any::<u16>(), any::<u16>(), any::<u16>(), any::<u32>());
    let parties = (option::of(org()), option::of(org()), vec(reference(), 0..=4));
    let commitments = (hash(), hash(), hash(), hash());
    (head, codes, parties, commitments).prop_map(|(head, codes, parties, commitments)| Leaf {
        kind: Kind::from(head.0),
        time_us: head.1,
        event_id: head.2,
        method: Method(codes.0),
        purpose: Purpose(codes.1),
        outcome: codes.2,
        categories: Categories::from_bits(codes.3),
        holder: parties.0,
        requester: parties.1,
        refs: References::new(parties.2).unwrap(),
        subject: commitments.0,
        chain: commitments.1,
        actor: commitments.2,
        detail: commitments.3,
    })
}

pub(crate) fn subject() -> impl Strategy<Value = SubjectBody> {
    "[!-~]{1,80}".prop_map(|sub| SubjectBody::new(sub).unwrap())
}

pub(crate) fn chain() -> impl Strategy<Value = ChainBody> {
    let audience = prop_oneof![Just(Audience::Person), Just(Audience::Guardian)];
    let link = (audience, hash(), 1_u64.., hash()).prop_map(|(audience, tag, seq, previous)| {
        ChainLink::after(audience, tag, seq, previous).unwrap_or_else(|_| ChainLink::first(audience, tag))
    });
    vec(link, 0..5).prop_map(|links| ChainBody::new(links).unwrap())
}

pub(crate) fn actor() -> impl Strategy<Value = ActorBody> {
    (text(), hash(), hash(), any::<u8>(), any::<u8>(), text(), any::<[u8; 16]>()).prop_map(
        |(terminal, certificate_sha256, jti_sha256, acr, tier, operator, trace_id)| ActorBody {
            terminal,
            certificate_sha256,
            jti_sha256,
            acr: Acr(acr),
            tier: Tier(tier),
            operator,
            trace_id,
        },
    )
}

pub(crate) fn detail() -> impl Strategy<Value = DetailBody> {
    let outcome = (option::of(org()), text(), any::<u16>())
        .prop_map(|(issuer, group, outcome)| GroupOutcome { issuer, group, outcome });
    let rows = (1_u32.., hash()).prop_map(|(count, root)| Rows::new(count, root).ok());
    let rows = prop_oneof![Just(None), rows];
    (hash(), hash(), text(), vec(outcome, 0..6), rows).prop_map(
        |(request_sha256, response_sha256, consent, outcomes, rows)| DetailBody {
            request_sha256,
            response_sha256,
            consent,
            outcomes: outcomes.try_into().unwrap(),
            rows,
        },
    )
}

fn reference() -> impl Strategy<Value = Reference> {
    (hash(), hash()).prop_map(|(origin_sha256, leaf_hash)| Reference { origin_sha256, leaf_hash })
}

fn org() -> impl Strategy<Value = OrgRef> {
    "[a-z]{1,12}:[a-z0-9:._-]{1,19}".prop_map(|text| OrgRef::new(&text).unwrap())
}

fn text() -> impl Strategy<Value = ShortText> {
    "[ -~あ-ん令和]{0,60}".prop_map(|text| ShortText::new(text).unwrap())
}

/// Often zeros, which mean "none" in several places.
fn hash() -> impl Strategy<Value = Hash> {
    prop_oneof![4 => any::<Hash>(), 1 => Just([0; 32])]
}
