//! The card's side of the conversation (ISO/IEC 7816-4, short APDUs).

use super::{CardRefusal, FakeCard};

/// Name of the application.
pub(super) const AID: &[u8] = &[0xd3, 0x92, 0xf0, 0x00, 0x26, 0x01, 0x00, 0x00, 0x00, 0x01];

/// Elementary files of the application.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum File {
    /// What kind of token answers.
    Token,
    /// User-authentication certificate.
    Certificate,
    /// Certificate of its CA. A terminal must not trust it: pinned CAs decide.
    CaCertificate,
    /// The private key; selected, never read.
    Key,
    /// The PIN; selected, never read.
    Pin,
}

impl File {
    pub(super) const fn id(self) -> [u8; 2] {
        match self {
            Self::Token => [0x00, 0x06],
            Self::Certificate => [0x00, 0x0a],
            Self::CaCertificate => [0x00, 0x0b],
            Self::Key => [0x00, 0x17],
            Self::Pin => [0x00, 0x18],
        }
    }

    fn from_id(id: &[u8]) -> Option<Self> {
        [Self::Token, Self::Certificate, Self::CaCertificate, Self::Key, Self::Pin]
            .into_iter()
            .find(|file| file.id() == id)
    }
}

/// What EF 0006 says on a physical card: 32 bytes, padded with spaces.
const TOKEN: &[u8; 32] = b"JPKIAPICCTOKEN2                 ";

/// Status words.
pub(super) mod status {
    pub(crate) const OK: u16 = 0x9000;
    pub(crate) const WRONG_PIN: u16 = 0x63c0;
    pub(crate) const WRONG_LENGTH: u16 = 0x6700;
    pub(crate) const SECURITY: u16 = 0x6982;
    pub(crate) const BLOCKED: u16 = 0x6983;
    pub(crate) const NOT_ALLOWED: u16 = 0x6986;
    pub(crate) const WRONG_DATA: u16 = 0x6a80;
    pub(crate) const NOT_FOUND: u16 = 0x6a82;
    pub(crate) const WRONG_P1_P2: u16 = 0x6a86;
    pub(crate) const WRONG_OFFSET: u16 = 0x6b00;
    pub(crate) const WRONG_INS: u16 = 0x6d00;
    pub(crate) const WRONG_CLA: u16 = 0x6e00;
}

/// What the card remembers until it is reset.
#[derive(Debug, Default)]
pub(super) struct Session {
    application: bool,
    file: Option<File>,
    verified: bool,
}

type Reply = Result<Vec<u8>, u16>;

impl FakeCard {
    /// Answers one command APDU with data and status word. Never fails: a command it does not
    /// understand has its own status word.
    pub fn apdu(&mut self, command: &[u8]) -> Vec<u8> {
        let (mut response, status) = match self.answer(command) {
            Ok(data) => (data, status::OK),
            Err(status) => (Vec::new(), status),
        };
        response.extend(status.to_be_bytes());
        response
    }

    /// The card leaves the field: selection and verified PIN are forgotten, the tries are not.
    pub fn reset(&mut self) {
        self.session = Session::default();
    }

    fn answer(&mut self, command: &[u8]) -> Reply {
        let Some((&[cla, ins, p1, p2], rest)) = command.split_first_chunk::<4>() else {
            return Err(status::WRONG_LENGTH);
        };
        let Body { data, expected } = Body::parse(rest).ok_or(status::WRONG_LENGTH)?;
        match (cla, ins) {
            (0x00, 0xa4) => self.select(p1, p2, data),
            (0x00, 0xb0) => self.read_binary(p1, p2, expected),
            (0x00, 0x20) => self.verify(p1, p2, data),
            (0x80, 0x2a) => self.compute_signature(p1, p2, data),
            (0x00 | 0x80, _) => Err(status::WRONG_INS),
            _ => Err(status::WRONG_CLA),
        }
    }

    fn select(&mut self, p1: u8, p2: u8, data: &[u8]) -> Reply {
        match (p1, p2) {
            (0x04, 0x0c | 0x00) if data == AID => {
                self.session = Session { application: true, ..Session::default() };
                Ok(Vec::new())
            }
            (0x02, 0x0c) if self.session.application => {
                self.session.file = Some(File::from_id(data).ok_or(status::NOT_FOUND)?);
                Ok(Vec::new())
            }
            (0x04, 0x0c | 0x00) | (0x02, 0x0c) => Err(status::NOT_FOUND),
            _ => Err(status::WRONG_P1_P2),
        }
    }

    fn read_binary(&self, p1: u8, p2: u8, expected: Option<usize>) -> Reply {
        if p1 & 0x80 != 0 {
            return Err(status::WRONG_P1_P2);
        }
        let content: &[u8] = match self.session.file.ok_or(status::NOT_ALLOWED)? {
            File::Token => TOKEN,
            File::Certificate => &self.certificate,
            File::CaCertificate => self.ca_certificate.as_deref().ok_or(status::NOT_FOUND)?,
            File::Key | File::Pin => return Err(status::SECURITY),
        };
        let length = expected.ok_or(status::WRONG_LENGTH)?;
        let offset = usize::from(u16::from_be_bytes([p1, p2]));
        let rest = content.get(offset..).filter(|rest| !rest.is_empty()).ok_or(status::WRONG_OFFSET)?;
        Ok(rest.get(..length).unwrap_or(rest).to_vec())
    }

    fn verify(&mut self, p1: u8, p2: u8, data: &[u8]) -> Reply {
        if (p1, p2) != (0x00, 0x80) {
            return Err(status::WRONG_P1_P2);
        }
        if self.session.file != Some(File::Pin) {
            return Err(status::NOT_ALLOWED);
        }
        if data.is_empty() {
            return Err(if self.tries_left == 0 {
                status::BLOCKED
            } else {
                status::WRONG_PIN | u16::from(self.tries_left)
            });
        }
        let verified = self.verify_pin(data);
        self.session.verified = verified.is_ok();
        match verified {
            Ok(()) => Ok(Vec::new()),
            Err(CardRefusal::WrongPin { tries_left }) => Err(status::WRONG_PIN | u16::from(tries_left)),
            Err(CardRefusal::Locked | CardRefusal::Failed) => Err(status::BLOCKED),
        }
    }

    fn compute_signature(&self, p1: u8, p2: u8, data: &[u8]) -> Reply {
        if (p1, p2) != (0x00, 0x80) {
            return Err(status::WRONG_P1_P2);
        }
        if self.session.file != Some(File::Key) {
            return Err(status::NOT_ALLOWED);
        }
        if !self.session.verified {
            return Err(status::SECURITY);
        }
        self.key.sign(data).map_err(|_| status::WRONG_DATA)
    }
}

/// Data and expected length of a short APDU.
struct Body<'a> {
    data: &'a [u8],
    expected: Option<usize>,
}

impl<'a> Body<'a> {
    /// The four cases of ISO/IEC 7816-3 §12.1.3; anything else has a wrong length.
    fn parse(bytes: &'a [u8]) -> Option<Self> {
        let Some((&first, rest)) = bytes.split_first() else {
            return Some(Self { data: &[], expected: None });
        };
        if rest.is_empty() {
            return Some(Self { data: &[], expected: Some(length(first)) });
        }
        let (data, tail) = rest.split_at_checked(usize::from(first)).filter(|_| first != 0)?;
        match tail {
            [] => Some(Self { data, expected: None }),
            [expected] => Some(Self { data, expected: Some(length(*expected)) }),
            _ => None,
        }
    }
}

/// Zero means 256.
fn length(byte: u8) -> usize {
    if byte == 0 { 256 } else { usize::from(byte) }
}
