//! Leaf, format 1: the record of one event as it stands in the tree. It contains no personal data; who it is
//! about, who asked in person and what was said are committed by salted hash (see [`crate::part`]).
//!
//! One encoding per value: [`Leaf::decode`] accepts exactly the bytes that [`Leaf::encode`] writes. Kinds and
//! registry numbers that this version does not know still decode, so an old verifier reads a newer log.

mod kind;
mod org;

pub use kind::{Kind, OtherKind};
pub use org::{OrgRef, OrgRefError};

use crate::codec::{CodecError, List, Reader, Writer};
use crate::part::Part;
use crate::registry::{Categories, Method, Purpose};
use crate::tree::{Hash, leaf_hash};

/// Why bytes are not a leaf of format 1.
pub type LeafError = CodecError;

/// At most four references.
pub type References = List<Reference, MAX_REFERENCES>;

/// One event of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leaf {
    /// What happened.
    pub kind: Kind,
    /// When, in microseconds since 1970-01-01T00:00:00Z. Set by the sequencer; never decreases along the log.
    pub time_us: u64,
    /// Random, made by the gateway for one attempt, never taken from the caller.
    pub event_id: [u8; 16],
    /// The method that was called.
    pub method: Method,
    /// Purpose of use.
    pub purpose: Purpose,
    /// Outcome number of the contract; 0 is plain success, otherwise a `pmh.common.v1.Reason`.
    pub outcome: u16,
    /// Which classes of record were touched.
    pub categories: Categories,
    /// Whose data it is; `None` for none or several.
    pub holder: Option<OrgRef>,
    /// Who asked; `None` if the gateway acted by itself.
    pub requester: Option<OrgRef>,
    /// Other entries that this one answers to, in this log or another.
    pub refs: References,
    /// Commitment to the subject part.
    pub subject: Hash,
    /// Commitment to the chain part.
    pub chain: Hash,
    /// Commitment to the actor part.
    pub actor: Hash,
    /// Commitment to the detail part.
    pub detail: Hash,
}

/// A link to another entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Reference {
    /// SHA-256 of the origin line of the log that holds the entry.
    pub origin_sha256: Hash,
    /// Leaf hash of the entry.
    pub leaf_hash: Hash,
}

impl Leaf {
    /// The bytes that go into the tree.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Writer::with_capacity(FIXED_BYTES + 64 + self.refs.len() * 64);
        out.u8(FORMAT);
        out.u8(self.kind.into());
        out.u64(self.time_us);
        out.bytes(&self.event_id);
        out.u16(self.method.0);
        out.u16(self.purpose.0);
        out.u16(self.outcome);
        out.u32(self.categories.bits());
        out.short_bytes(org_bytes(self.holder.as_ref()));
        out.short_bytes(org_bytes(self.requester.as_ref()));
        out.count_u8(self.refs.len());
        for reference in self.refs.iter() {
            out.bytes(&reference.origin_sha256);
            out.bytes(&reference.leaf_hash);
        }
        for commitment in [&self.subject, &self.chain, &self.actor, &self.detail] {
            out.bytes(commitment);
        }
        out.finish()
    }

    /// Reads a leaf. Fails on anything that [`Leaf::encode`] would not have written.
    pub fn decode(bytes: &[u8]) -> Result<Self, LeafError> {
        let mut input = Reader::version_1(bytes)?;
        let leaf = Self {
            kind: input.u8()?.into(),
            time_us: input.u64()?,
            event_id: input.array()?,
            method: Method(input.u16()?),
            purpose: Purpose(input.u16()?),
            outcome: input.u16()?,
            categories: Categories::from_bits(input.u32()?),
            holder: read_org(&mut input, "holder")?,
            requester: read_org(&mut input, "requester")?,
            refs: read_references(&mut input)?,
            subject: input.array()?,
            chain: input.array()?,
            actor: input.array()?,
            detail: input.array()?,
        };
        input.finish()?;
        Ok(leaf)
    }

    /// RFC 6962 leaf hash of the encoding.
    pub fn hash(&self) -> Hash {
        leaf_hash(&self.encode())
    }

    /// The commitment to one part.
    pub fn commitment(&self, part: Part) -> &Hash {
        match part {
            Part::Subject => &self.subject,
            Part::Chain => &self.chain,
            Part::Actor => &self.actor,
            Part::Detail => &self.detail,
        }
    }
}

/// An organization behind a one-byte length, empty for none. Shared with the detail part.
pub(crate) fn read_org(input: &mut Reader<'_>, field: &'static str) -> Result<Option<OrgRef>, CodecError> {
    match input.short_bytes()? {
        [] => Ok(None),
        bytes => {
            let text = str::from_utf8(bytes).map_err(|_| CodecError::Field(field))?;
            OrgRef::new(text).map(Some).map_err(|_| CodecError::Field(field))
        }
    }
}

pub(crate) fn org_bytes(org: Option<&OrgRef>) -> &[u8] {
    org.map_or(&[], |org| org.as_str().as_bytes())
}

fn read_references(input: &mut Reader<'_>) -> Result<References, CodecError> {
    let count = input.u8()?;
    if usize::from(count) > MAX_REFERENCES {
        return Err(CodecError::TooLong("refs"));
    }
    (0..count)
        .map(|_| Ok(Reference { origin_sha256: input.array()?, leaf_hash: input.array()? }))
        .collect::<Result<Vec<_>, CodecError>>()
        .and_then(References::new)
}

const FORMAT: u8 = 1;
const MAX_REFERENCES: usize = 4;
/// Everything but organizations and references.
const FIXED_BYTES: usize = 1 + 1 + 8 + 16 + 2 + 2 + 2 + 4 + 1 + 1 + 1 + 4 * 32;
