//! Where an entry stands in the sequences of the person it is about.
//!
//! Each audience sees a gapless 1, 2, 3 … with the hash of the entry before, so a missing or withheld entry is
//! noticed by the person's own program. Receipts never open this part: the number would tell a clinic how often
//! others looked.

use std::fmt;
use std::num::NonZeroU64;

use crate::codec::{CodecError, List, Reader, Writer};
use crate::tree::Hash;

/// `1 | u8 count × link`: one link per audience that will list the entry.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ChainBody {
    /// At most 255 links.
    pub links: List<ChainLink, 255>,
}

/// `u8 audience | 32 tag | u64 seq | 32 previous leaf hash (zeros first)`.
#[derive(Clone, PartialEq, Eq)]
pub struct ChainLink {
    audience: Audience,
    tag: Hash,
    seq: NonZeroU64,
    previous: Hash,
}

/// Who will see the sequence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Audience {
    /// The person.
    Person,
    /// The person's guardian.
    Guardian,
}

impl ChainLink {
    /// The first entry of a sequence.
    pub fn first(audience: Audience, tag: Hash) -> Self {
        Self { audience, tag, seq: NonZeroU64::MIN, previous: NO_PREVIOUS }
    }

    /// A later entry: `seq` of at least 2 and the leaf hash of entry `seq - 1`, which is not all zeros.
    pub fn after(audience: Audience, tag: Hash, seq: u64, previous: Hash) -> Result<Self, CodecError> {
        let seq = NonZeroU64::new(seq).filter(|seq| seq.get() >= 2).ok_or(CodecError::Field("seq"))?;
        if previous == NO_PREVIOUS {
            return Err(CodecError::Field("previous"));
        }
        Ok(Self { audience, tag, seq, previous })
    }

    /// Who sees the sequence.
    pub fn audience(&self) -> Audience {
        self.audience
    }

    /// Which sequence, as a keyed tag.
    pub fn tag(&self) -> &Hash {
        &self.tag
    }

    /// Position in the sequence, from 1.
    pub fn seq(&self) -> u64 {
        self.seq.get()
    }

    /// Leaf hash of the entry before; `None` for the first.
    pub fn previous(&self) -> Option<&Hash> {
        (self.previous != NO_PREVIOUS).then_some(&self.previous)
    }

    fn write(&self, out: &mut Writer) {
        out.u8(self.audience.number());
        out.bytes(&self.tag);
        out.u64(self.seq.get());
        out.bytes(&self.previous);
    }

    fn read(input: &mut Reader<'_>) -> Result<Self, CodecError> {
        let audience = Audience::from_number(input.u8()?)?;
        let (tag, seq, previous) = (input.array()?, input.u64()?, input.array()?);
        match seq {
            1 if previous == NO_PREVIOUS => Ok(Self::first(audience, tag)),
            1 => Err(CodecError::Field("previous")),
            seq => Self::after(audience, tag, seq, previous),
        }
    }
}

/// Neither tag nor number: together they follow one person.
impl fmt::Debug for ChainLink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ChainLink({:?}, ..)", self.audience)
    }
}

impl Audience {
    fn number(self) -> u8 {
        match self {
            Self::Person => 1,
            Self::Guardian => 2,
        }
    }

    fn from_number(number: u8) -> Result<Self, CodecError> {
        match number {
            1 => Ok(Self::Person),
            2 => Ok(Self::Guardian),
            _ => Err(CodecError::Field("audience")),
        }
    }
}

impl ChainBody {
    /// Takes at most 255 links.
    pub fn new(links: Vec<ChainLink>) -> Result<Self, CodecError> {
        Ok(Self { links: List::new(links)? })
    }

    /// The bytes to commit to.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Writer::version_1(2 + self.links.len() * LINK_BYTES);
        out.count_u8(self.links.len());
        for link in self.links.iter() {
            link.write(&mut out);
        }
        out.finish()
    }

    /// Reads what [`ChainBody::encode`] wrote and nothing else.
    pub fn decode(bytes: &[u8]) -> Result<Self, CodecError> {
        let mut input = Reader::version_1(bytes)?;
        let count = input.u8()?;
        let links = (0..count).map(|_| ChainLink::read(&mut input)).collect::<Result<Vec<_>, _>>()?;
        input.finish()?;
        Self::new(links)
    }
}

const NO_PREVIOUS: Hash = [0; 32];
const LINK_BYTES: usize = 1 + 32 + 8 + 32;
