//! One invented entry, its parts and its receipt, with every byte fixed. No person or institution is real.

use pmh_audit::part::{Audience, ChainLink, GroupOutcome};
use pmh_audit::registry::{Acr, Categories, Method, Purpose, Tier};
use pmh_audit::tree::leaf_hash;
use pmh_audit::{
    ActorBody, ChainBody, Checkpoint, DetailBody, Frontier, Hash, Kind, Leaf, Opening, OrgRef, Receipt,
    Reference, ShortText, SigningKey, SubjectBody, VerifierKey,
};

pub(crate) const ORIGIN: &str = "audit.pmh.example/gateway";
pub(crate) const REQUEST: Hash = [0x11; 32];
pub(crate) const RESPONSE: Hash = [0x22; 32];

pub(crate) fn subject() -> SubjectBody {
    SubjectBody::new("AbCdEf0123456789-_invented").unwrap()
}

pub(crate) fn chain() -> ChainBody {
    ChainBody::new(vec![
        ChainLink::first(Audience::Guardian, [0x33; 32]),
        ChainLink::after(Audience::Person, [0x44; 32], 7, [0x55; 32]).unwrap(),
    ])
    .unwrap()
}

pub(crate) fn actor() -> ActorBody {
    ActorBody {
        terminal: text("front-desk-1"),
        certificate_sha256: [0x66; 32],
        jti_sha256: [0x77; 32],
        acr: Acr::PIN,
        tier: Tier::FULL,
        operator: text("op-a1"),
        trace_id: [0x88; 16],
    }
}

pub(crate) fn detail() -> DetailBody {
    let outcome = |issuer: Option<&str>, group, outcome| GroupOutcome {
        issuer: issuer.map(org),
        group: text(group),
        outcome,
    };
    DetailBody {
        request_sha256: REQUEST,
        response_sha256: RESPONSE,
        consent: text("consent-1"),
        outcomes: vec![outcome(Some("municipality:131016"), "88", 3), outcome(None, "52", 2)]
            .try_into()
            .unwrap(),
        rows: None,
    }
}

pub(crate) fn openings() -> [Opening; 4] {
    let bodies = [subject().encode(), chain().encode(), actor().encode(), detail().encode()];
    let mut salt = 0xa0;
    bodies.map(|body| {
        salt += 1;
        Opening { salt: [salt; 32].into(), body }
    })
}

pub(crate) fn leaf() -> Leaf {
    let mut parts = pmh_audit::Part::ALL.into_iter();
    let [subject, chain, actor, detail] = openings().map(|opening| opening.commitment(parts.next().unwrap()));
    Leaf {
        kind: Kind::Disclosure,
        time_us: 1_775_001_600_123_456,
        event_id: [0x99; 16],
        method: Method::VERIFY_ELIGIBILITY,
        purpose: Purpose::HEALTHCARE_PAYMENT,
        outcome: 0,
        categories: Categories::SUBSIDY | Categories::IDENTITY,
        holder: Some(org("municipality:131016")),
        requester: Some(org("clinic:1310000001")),
        refs: vec![Reference { origin_sha256: [0xaa; 32], leaf_hash: [0xbb; 32] }].try_into().unwrap(),
        subject,
        chain,
        actor,
        detail,
    }
}

pub(crate) fn key() -> SigningKey {
    SigningKey::from_seed(ORIGIN, &[7; 32]).unwrap()
}

pub(crate) fn vkey() -> VerifierKey {
    key().verifier().clone()
}

/// The entry is the second of a batch of three on a log of four others: index 5, size 7.
pub(crate) fn receipt() -> Receipt {
    let other = |i: u8| leaf_hash(&[i]);
    let mut frontier = Frontier::of(&[0, 1, 2, 3].map(other));
    let paths = frontier.append(&[other(4), leaf().hash(), other(6)]);
    let checkpoint = Checkpoint::new(ORIGIN, frontier.size(), frontier.root()).unwrap();
    let [subject, _, _, detail] = openings();
    Receipt {
        leaf: leaf().encode(),
        index: 5,
        tree_size: frontier.size(),
        path: paths[1].clone(),
        checkpoint: checkpoint.sign(&key()).unwrap(),
        detail,
        subject: Some(subject),
    }
}

fn org(text: &str) -> OrgRef {
    OrgRef::new(text).unwrap()
}

fn text(text: &str) -> ShortText {
    ShortText::new(text).unwrap()
}
