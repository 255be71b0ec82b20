//! The one encoding style of leaf and parts: big-endian, fixed order, nothing optional, lengths before contents
//! (TLS presentation language, RFC 8446 section 3).
//!
//! The reader takes exactly what the writer gives: a shortfall and a leftover are both errors, so that a value
//! has one encoding and a signature over it means one thing.

use std::ops::Deref;

/// Why bytes are not an encoding of the expected value. Carries no content of the input.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CodecError {
    /// The input ends inside a field.
    #[error("the input ends inside a field")]
    Truncated,
    /// Bytes are left after the last field.
    #[error("bytes are left after the last field")]
    Trailing,
    /// The leading version or format byte is not the one this code writes.
    #[error("the format version is unknown")]
    Version,
    /// A field holds a value that the encoder never writes.
    #[error("the field {0} holds a value that is never written")]
    Field(&'static str),
    /// A list or text is longer than its length prefix or its limit allows.
    #[error("the field {0} is too long")]
    TooLong(&'static str),
}

/// A list of at most `MAX` elements, so that its count always fits its prefix.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct List<T, const MAX: usize>(Vec<T>);

impl<T, const MAX: usize> List<T, MAX> {
    /// Takes the elements in order. Fails with [`CodecError::TooLong`] if there are more than `MAX`.
    pub fn new(items: Vec<T>) -> Result<Self, CodecError> {
        if items.len() > MAX { Err(CodecError::TooLong("list")) } else { Ok(Self(items)) }
    }
}

impl<T, const MAX: usize> Default for List<T, MAX> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T, const MAX: usize> Deref for List<T, MAX> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        &self.0
    }
}

impl<T, const MAX: usize> TryFrom<Vec<T>> for List<T, MAX> {
    type Error = CodecError;

    fn try_from(items: Vec<T>) -> Result<Self, CodecError> {
        Self::new(items)
    }
}

/// Consumes an encoding from the front.
pub(crate) struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    pub(crate) fn new(input: &'a [u8]) -> Self {
        Self(input)
    }

    /// Starts a value that begins with the version byte 1.
    pub(crate) fn version_1(input: &'a [u8]) -> Result<Self, CodecError> {
        let mut reader = Self::new(input);
        if reader.u8()? == 1 { Ok(reader) } else { Err(CodecError::Version) }
    }

    pub(crate) fn bytes(&mut self, count: usize) -> Result<&'a [u8], CodecError> {
        let (head, tail) = self.0.split_at_checked(count).ok_or(CodecError::Truncated)?;
        self.0 = tail;
        Ok(head)
    }

    pub(crate) fn array<const N: usize>(&mut self) -> Result<[u8; N], CodecError> {
        let (head, tail) = self.0.split_first_chunk::<N>().ok_or(CodecError::Truncated)?;
        self.0 = tail;
        Ok(*head)
    }

    pub(crate) fn u8(&mut self) -> Result<u8, CodecError> {
        self.array().map(u8::from_be_bytes)
    }

    pub(crate) fn u16(&mut self) -> Result<u16, CodecError> {
        self.array().map(u16::from_be_bytes)
    }

    pub(crate) fn u32(&mut self) -> Result<u32, CodecError> {
        self.array().map(u32::from_be_bytes)
    }

    pub(crate) fn u64(&mut self) -> Result<u64, CodecError> {
        self.array().map(u64::from_be_bytes)
    }

    /// Bytes behind a one-byte length.
    pub(crate) fn short_bytes(&mut self) -> Result<&'a [u8], CodecError> {
        let count = self.u8()?;
        self.bytes(count.into())
    }

    /// Bytes behind a two-byte length.
    pub(crate) fn medium_bytes(&mut self) -> Result<&'a [u8], CodecError> {
        let count = self.u16()?;
        self.bytes(count.into())
    }

    pub(crate) fn finish(self) -> Result<(), CodecError> {
        if self.0.is_empty() { Ok(()) } else { Err(CodecError::Trailing) }
    }
}

/// Appends an encoding. Lengths cannot overflow their prefix: the types that reach it are bounded by construction.
pub(crate) struct Writer(Vec<u8>);

impl Writer {
    pub(crate) fn with_capacity(capacity: usize) -> Self {
        Self(Vec::with_capacity(capacity))
    }

    /// Starts a value with the version byte 1.
    pub(crate) fn version_1(capacity: usize) -> Self {
        let mut writer = Self::with_capacity(capacity);
        writer.u8(1);
        writer
    }

    pub(crate) fn bytes(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }

    pub(crate) fn u8(&mut self, value: u8) {
        self.0.push(value);
    }

    pub(crate) fn u16(&mut self, value: u16) {
        self.bytes(&value.to_be_bytes());
    }

    pub(crate) fn u32(&mut self, value: u32) {
        self.bytes(&value.to_be_bytes());
    }

    pub(crate) fn u64(&mut self, value: u64) {
        self.bytes(&value.to_be_bytes());
    }

    /// A count or length as one byte; the caller's type is bounded by 255.
    pub(crate) fn count_u8(&mut self, count: usize) {
        self.u8(u8::try_from(count).unwrap_or(u8::MAX));
    }

    /// A count or length as two bytes; the caller's type is bounded by 65,535.
    pub(crate) fn count_u16(&mut self, count: usize) {
        self.u16(u16::try_from(count).unwrap_or(u16::MAX));
    }

    pub(crate) fn short_bytes(&mut self, bytes: &[u8]) {
        self.count_u8(bytes.len());
        self.bytes(bytes);
    }

    pub(crate) fn medium_bytes(&mut self, bytes: &[u8]) {
        self.count_u16(bytes.len());
        self.bytes(bytes);
    }

    pub(crate) fn finish(self) -> Vec<u8> {
        self.0
    }
}
