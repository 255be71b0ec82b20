//! What was asked and what was answered.

use crate::codec::{CodecError, List, Reader, Writer};
use crate::leaf::{OrgRef, org_bytes, read_org};
use crate::text::ShortText;
use crate::tree::Hash;

/// `1 | 32 request | 32 response | u8+n consent | u16 n × outcome | u32 row count | 32 rows root`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DetailBody {
    /// SHA-256 of the request message, encoded in field order.
    pub request_sha256: Hash,
    /// SHA-256 of the response message, encoded in field order with `receipt` cleared.
    pub response_sha256: Hash,
    /// Reference of the consent that the answer rests on; empty if none is needed.
    pub consent: ShortText,
    /// What was answered, one per scheme group and issuer. At most 65,535.
    pub outcomes: List<GroupOutcome, 65_535>,
    /// The rows of a bulk chunk (kind 14), or the entries that an erasure fell on (kind 8); `None` in every other entry.
    pub rows: Option<Rows>,
}

/// `u8+n issuer | u8+n scheme group | u16 outcome`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupOutcome {
    /// Competent issuer; `None` if the outcome depends on none.
    pub issuer: Option<OrgRef>,
    /// Scheme group.
    pub group: ShortText,
    /// Outcome number of the contract.
    pub outcome: u16,
}

/// How many rows a chunk had, at least one, and the root over their digests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rows {
    count: u32,
    root: Hash,
}

impl Rows {
    /// Count and [`rows_root`](crate::rows::rows_root) of a chunk. Fails on no rows, and on the all-zero root that
    /// stands for "no rows".
    pub fn new(count: u32, root: Hash) -> Result<Self, CodecError> {
        match (count, root) {
            (0, _) => Err(CodecError::Field("row count")),
            (_, NO_ROOT) => Err(CodecError::Field("rows root")),
            (count, root) => Ok(Self { count, root }),
        }
    }

    /// Number of rows.
    pub fn count(&self) -> u32 {
        self.count
    }

    /// Root over the rows' digests.
    pub fn root(&self) -> &Hash {
        &self.root
    }

    fn read(input: &mut Reader<'_>) -> Result<Option<Self>, CodecError> {
        match (input.u32()?, input.array()?) {
            (0, NO_ROOT) => Ok(None),
            (count, root) => Self::new(count, root).map(Some),
        }
    }
}

impl GroupOutcome {
    fn read(input: &mut Reader<'_>) -> Result<Self, CodecError> {
        Ok(Self {
            issuer: read_org(input, "issuer")?,
            group: ShortText::from_bytes(input.short_bytes()?, "group")?,
            outcome: input.u16()?,
        })
    }

    fn write(&self, out: &mut Writer) {
        out.short_bytes(org_bytes(self.issuer.as_ref()));
        out.short_bytes(self.group.as_bytes());
        out.u16(self.outcome);
    }
}

impl DetailBody {
    /// The bytes to commit to.
    pub fn encode(&self) -> Vec<u8> {
        let texts = self.consent.as_bytes().len() + self.outcomes.len() * 40;
        let mut out = Writer::version_1(FIXED_BYTES + texts);
        out.bytes(&self.request_sha256);
        out.bytes(&self.response_sha256);
        out.short_bytes(self.consent.as_bytes());
        out.count_u16(self.outcomes.len());
        for outcome in self.outcomes.iter() {
            outcome.write(&mut out);
        }
        let (count, root) = self.rows.map_or((0, NO_ROOT), |rows| (rows.count, rows.root));
        out.u32(count);
        out.bytes(&root);
        out.finish()
    }

    /// Reads what [`DetailBody::encode`] wrote and nothing else.
    pub fn decode(bytes: &[u8]) -> Result<Self, CodecError> {
        let mut input = Reader::version_1(bytes)?;
        let body = Self {
            request_sha256: input.array()?,
            response_sha256: input.array()?,
            consent: ShortText::from_bytes(input.short_bytes()?, "consent")?,
            outcomes: read_outcomes(&mut input)?,
            rows: Rows::read(&mut input)?,
        };
        input.finish()?;
        Ok(body)
    }
}

fn read_outcomes(input: &mut Reader<'_>) -> Result<List<GroupOutcome, 65_535>, CodecError> {
    let count = input.u16()?;
    (0..count).map(|_| GroupOutcome::read(input)).collect::<Result<Vec<_>, _>>().and_then(List::new)
}

const NO_ROOT: Hash = [0; 32];
const FIXED_BYTES: usize = 1 + 32 + 32 + 1 + 2 + 4 + 32;
