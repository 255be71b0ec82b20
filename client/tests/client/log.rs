//! A log of three entries, the second of which is the one in question.

use pmh_audit::leaf::References;
use pmh_audit::part::Rows;
use pmh_audit::registry::{Categories, Method, Purpose};
use pmh_audit::tree::{inclusion_path, leaf_hash};
use pmh_audit::{
    Checkpoint, DetailBody, Frontier, Hash, Kind, Leaf, OrgRef, Part, Salt, SigningKey, SubjectBody,
};
use pmh_proto::audit::{Opening, Receipt};

/// What an entry says; a lie is a changed field.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) kind: Kind,
    pub(crate) method: Method,
    pub(crate) purpose: Purpose,
    pub(crate) outcome: u16,
    pub(crate) requester: &'static str,
    pub(crate) sub: String,
    pub(crate) request_sha256: Hash,
    pub(crate) response_sha256: Hash,
    pub(crate) rows: u32,
}

impl Entry {
    /// A disclosure by VerifyEligibility to the clinic of these tests.
    pub(crate) fn new(request_sha256: Hash, response_sha256: Hash) -> Self {
        Self {
            kind: Kind::Disclosure,
            method: Method::VERIFY_ELIGIBILITY,
            purpose: Purpose::HEALTHCARE_PAYMENT,
            outcome: 0,
            requester: "clinic:1310310243",
            sub: "p1_x".to_owned(),
            request_sha256,
            response_sha256,
            rows: 0,
        }
    }

    /// The receipt of this entry in a log under this key.
    pub(crate) fn record(&self, key: &SigningKey) -> Receipt {
        let (request_sha256, response_sha256) = (self.request_sha256, self.response_sha256);
        let rows = Rows::new(self.rows, [6; 32]).ok();
        let opening = |byte: u8, body: Vec<u8>| pmh_audit::Opening { salt: Salt::new([byte; 32]), body };
        let detail =
            opening(1, DetailBody { request_sha256, response_sha256, rows, ..Default::default() }.encode());
        let subject = opening(2, SubjectBody::new(self.sub.clone()).unwrap().encode());
        let leaf = self.leaf(subject.commitment(Part::Subject), detail.commitment(Part::Detail)).encode();
        let leaves = [[8; 32], leaf_hash(&leaf), [9; 32]];
        let range = |range: std::ops::Range<u64>| {
            let [start, end] = [range.start, range.end].map(|at| usize::try_from(at).unwrap());
            Ok::<_, ()>(leaves[start..end].to_vec())
        };
        let checkpoint = Checkpoint::new(key.verifier().name(), 3, Frontier::of(&leaves).root()).unwrap();
        Receipt {
            leaf,
            index: 1,
            tree_size: 3,
            path: inclusion_path(1, 3, range).unwrap().into_iter().map(Vec::from).collect(),
            checkpoint: checkpoint.sign(key).unwrap(),
            detail: Some(wire(&detail)),
            subject: Some(wire(&subject)),
            chain: None,
            witnesses: None,
        }
    }

    /// A leaf that commits to nothing yet.
    pub(crate) fn leaf_of_nothing() -> Leaf {
        Self::new([0; 32], [0; 32]).leaf([0; 32], [0; 32])
    }

    fn leaf(&self, subject: Hash, detail: Hash) -> Leaf {
        Leaf {
            kind: self.kind,
            time_us: 1,
            event_id: [3; 16],
            method: self.method,
            purpose: self.purpose,
            outcome: self.outcome,
            categories: Categories::SUBSIDY,
            holder: None,
            requester: Some(OrgRef::new(self.requester).unwrap()),
            refs: References::default(),
            subject,
            chain: [4; 32],
            actor: [5; 32],
            detail,
        }
    }
}

fn wire(opening: &pmh_audit::Opening) -> Opening {
    Opening { salt: opening.salt.as_bytes().to_vec(), body: opening.body.clone() }
}
