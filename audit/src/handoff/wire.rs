//! Protobuf as the gateway writes it and no other way: fields ascending, shortest numbers, no defaults, nothing unknown.
//! So a file has one encoding, and a changed byte is never one that nobody looks at.

use crate::tree::Hash;

/// The bytes are not what an encoder of the contract writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct NotCanonical;

/// Fields of one message, taken in order.
pub(super) struct Fields<'a> {
    rest: &'a [u8],
}

impl<'a> Fields<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// How many bytes are left.
    pub(super) fn left(&self) -> usize {
        self.rest.len()
    }

    /// A number; 0 where it is absent.
    pub(super) fn number(&mut self, field: u64) -> Result<u64, NotCanonical> {
        if !self.takes(field << 3)? {
            return Ok(0);
        }
        match self.varint()? {
            0 => Err(NotCanonical),
            number => Ok(number),
        }
    }

    /// Bytes, text or a message, if it is there.
    pub(super) fn bytes(&mut self, field: u64) -> Result<Option<&'a [u8]>, NotCanonical> {
        if self.takes(field << 3 | LENGTH)? { self.content().map(Some) } else { Ok(None) }
    }

    /// A message that must be there.
    pub(super) fn message(&mut self, field: u64) -> Result<Self, NotCanonical> {
        self.bytes(field)?.map(Self::new).ok_or(NotCanonical)
    }

    /// Text that must be there.
    pub(super) fn text(&mut self, field: u64) -> Result<&'a str, NotCanonical> {
        self.optional_text(field).and_then(|text| if text.is_empty() { Err(NotCanonical) } else { Ok(text) })
    }

    /// Text; empty where it is absent.
    pub(super) fn optional_text(&mut self, field: u64) -> Result<&'a str, NotCanonical> {
        match self.bytes(field)? {
            None => Ok(""),
            Some([]) => Err(NotCanonical),
            Some(bytes) => str::from_utf8(bytes).map_err(|_| NotCanonical),
        }
    }

    /// A hash that must be there.
    pub(super) fn hash(&mut self, field: u64) -> Result<Hash, NotCanonical> {
        self.bytes(field)?.and_then(|bytes| bytes.try_into().ok()).ok_or(NotCanonical)
    }

    /// All of a repeated field.
    pub(super) fn repeated(&mut self, field: u64) -> Result<Vec<&'a [u8]>, NotCanonical> {
        let mut all = Vec::new();
        while let Some(one) = self.bytes(field)? {
            all.push(one);
        }
        Ok(all)
    }

    /// Number of the next field whatever it is, which must be a message.
    pub(super) fn any_message(&mut self) -> Result<Option<u64>, NotCanonical> {
        if self.rest.is_empty() {
            return Ok(None);
        }
        let key = self.varint()?;
        self.content()?;
        if key & 7 == LENGTH { Ok(Some(key >> 3)) } else { Err(NotCanonical) }
    }

    /// Nothing is left.
    pub(super) fn end(&self) -> Result<(), NotCanonical> {
        if self.rest.is_empty() { Ok(()) } else { Err(NotCanonical) }
    }

    fn takes(&mut self, key: u64) -> Result<bool, NotCanonical> {
        if self.rest.is_empty() {
            return Ok(false);
        }
        let mut ahead = Self { rest: self.rest };
        let found = ahead.varint()? == key;
        if found {
            self.rest = ahead.rest;
        }
        Ok(found)
    }

    fn content(&mut self) -> Result<&'a [u8], NotCanonical> {
        let length = usize::try_from(self.varint()?).map_err(|_| NotCanonical)?;
        let (content, rest) = self.rest.split_at_checked(length).ok_or(NotCanonical)?;
        self.rest = rest;
        Ok(content)
    }

    fn varint(&mut self) -> Result<u64, NotCanonical> {
        let mut number = 0_u64;
        for shift in (0..u64::BITS).step_by(7) {
            let (byte, rest) = self.rest.split_first().ok_or(NotCanonical)?;
            self.rest = rest;
            let bits = u64::from(byte & 0x7f);
            number |= bits << shift;
            if number >> shift != bits {
                return Err(NotCanonical);
            }
            if byte & 0x80 == 0 {
                return if *byte == 0 && shift > 0 { Err(NotCanonical) } else { Ok(number) };
            }
        }
        Err(NotCanonical)
    }
}

/// Wire type of what has a length.
const LENGTH: u64 = 2;
