//! Reading and writing the small binary texts of this crate. A reader refuses leftovers as well as shortfalls.

/// The bytes are not what the writer would have produced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Garbled;

/// Bytes still to be read.
pub(crate) struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    pub(crate) fn bytes(&mut self, count: usize) -> Result<&'a [u8], Garbled> {
        let (head, rest) = self.0.split_at_checked(count).ok_or(Garbled)?;
        self.0 = rest;
        Ok(head)
    }

    pub(crate) fn array<const N: usize>(&mut self) -> Result<[u8; N], Garbled> {
        self.bytes(N)?.try_into().map_err(|_| Garbled)
    }

    pub(crate) fn u8(&mut self) -> Result<u8, Garbled> {
        self.array().map(u8::from_be_bytes)
    }

    pub(crate) fn u16(&mut self) -> Result<u16, Garbled> {
        self.array().map(u16::from_be_bytes)
    }

    /// A text behind its one-byte length.
    pub(crate) fn text(&mut self) -> Result<&'a str, Garbled> {
        let length = self.u8()?;
        std::str::from_utf8(self.bytes(length.into())?).map_err(|_| Garbled)
    }

    pub(crate) fn end(self) -> Result<(), Garbled> {
        if self.0.is_empty() { Ok(()) } else { Err(Garbled) }
    }
}

/// Appends `text` behind its one-byte length.
pub(crate) fn put_text(out: &mut Vec<u8>, text: &str) -> Result<(), Garbled> {
    out.push(u8::try_from(text.len()).map_err(|_| Garbled)?);
    out.extend_from_slice(text.as_bytes());
    Ok(())
}
