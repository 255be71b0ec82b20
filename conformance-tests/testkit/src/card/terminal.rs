//! A reference terminal: it talks to a card over APDUs and knows nothing else about it.
//!
//! It signs only texts that begin as a card presentation does, and hashes them itself: a terminal
//! that lets a card sign a hash somebody sent would sign anything for anybody. The fields behind the
//! prefix (organization, times, purposes) are compared by the caller, who knows what was asked.

use sha2::{Digest, Sha256, Sha384};
use x509_parser::prelude::{FromDer, X509Certificate};
use x509_parser::public_key::PublicKey;

use super::apdu::{AID, File, status};
use super::{CardRefusal, FakeCard, digest_info};

/// Prefix of everything a terminal lets a card sign.
pub const PREFIX: &[u8; 25] = b"PMH-CARD-PRESENTATION-v1\0";

/// What a terminal sends to the gateway.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Presentation {
    /// The card's certificate, DER, as read from the card.
    pub certificate_der: Vec<u8>,
    /// PKCS#1 v1.5 with SHA-256, or ECDSA P-384 with SHA-384 as DER.
    pub signature: Vec<u8>,
}

/// Why nothing was signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TerminalError {
    /// The text is not one this terminal lets a card sign; the card was not touched.
    #[error("the text is not a card presentation")]
    NotAPresentation,
    /// The card refused.
    #[error(transparent)]
    Card(#[from] CardRefusal),
    /// The card answered something else than expected.
    #[error("the card answered {0:04x}")]
    Status(u16),
    /// The card's certificate could not be read or has a key of no known kind.
    #[error("the certificate on the card is unusable")]
    Certificate,
}

/// Something that answers command APDUs: the fake card, or a real reader behind a small adapter.
pub trait CardChannel {
    /// Sends one command and returns data and status word.
    fn transmit(&mut self, command: &[u8]) -> Vec<u8>;
}

impl CardChannel for FakeCard {
    fn transmit(&mut self, command: &[u8]) -> Vec<u8> {
        self.apdu(command)
    }
}

/// Presents a card: reads the certificate, verifies the PIN, hashes `to_be_signed`, has it signed.
pub fn present(
    card: &mut impl CardChannel,
    to_be_signed: &[u8],
    pin: &str,
) -> Result<Presentation, TerminalError> {
    if !to_be_signed.starts_with(PREFIX) {
        return Err(TerminalError::NotAPresentation);
    }
    select_application(card)?;
    let certificate_der = read_certificate(card)?;
    let input = signature_input(&certificate_der, to_be_signed)?;
    verify_pin(card, pin)?;
    select_file(card, File::Key)?;
    let signature = exchange(card, [0x80, 0x2a, 0x00, 0x80], &input, Some(0))?;
    Ok(Presentation { certificate_der, signature })
}

/// Tries left before the card's PIN locks, without spending one.
pub fn tries_left(card: &mut impl CardChannel) -> Result<u8, TerminalError> {
    select_application(card)?;
    select_file(card, File::Pin)?;
    match exchange(card, VERIFY, &[], None) {
        Err(TerminalError::Card(CardRefusal::WrongPin { tries_left })) => Ok(tries_left),
        Err(TerminalError::Card(CardRefusal::Locked)) => Ok(0),
        Err(other) => Err(other),
        Ok(_) => Err(TerminalError::Status(status::OK)),
    }
}

const VERIFY: [u8; 4] = [0x00, 0x20, 0x00, 0x80];

fn select_application(card: &mut impl CardChannel) -> Result<(), TerminalError> {
    exchange(card, [0x00, 0xa4, 0x04, 0x0c], AID, None).map(drop)
}

fn select_file(card: &mut impl CardChannel, file: File) -> Result<(), TerminalError> {
    exchange(card, [0x00, 0xa4, 0x02, 0x0c], &file.id(), None).map(drop)
}

fn verify_pin(card: &mut impl CardChannel, pin: &str) -> Result<(), TerminalError> {
    select_file(card, File::Pin)?;
    // An empty VERIFY only asks for the counter, and would look like a wrong PIN that cost nothing.
    if pin.is_empty() {
        return Err(TerminalError::Status(status::WRONG_DATA));
    }
    exchange(card, VERIFY, pin.as_bytes(), None).map(drop)
}

/// Reads the certificate: its DER header says how long it is, the file may be longer.
fn read_certificate(card: &mut impl CardChannel) -> Result<Vec<u8>, TerminalError> {
    select_file(card, File::Certificate)?;
    let mut der = read(card, 0)?;
    let length = match *der.as_slice() {
        [0x30, 0x82, high, low, ..] => 4 + usize::from(u16::from_be_bytes([high, low])),
        [0x30, 0x81, short, ..] => 3 + usize::from(short),
        _ => return Err(TerminalError::Certificate),
    };
    while der.len() < length {
        der.extend(read(card, der.len())?);
    }
    der.truncate(length);
    Ok(der)
}

fn read(card: &mut impl CardChannel, offset: usize) -> Result<Vec<u8>, TerminalError> {
    let [high, low] = u16::try_from(offset).map_err(|_| TerminalError::Certificate)?.to_be_bytes();
    let chunk = exchange(card, [0x00, 0xb0, high, low], &[], Some(0))?;
    if chunk.is_empty() { Err(TerminalError::Certificate) } else { Ok(chunk) }
}

/// What the card is asked to sign: a DigestInfo for RSA, the bare digest for an elliptic curve.
fn signature_input(certificate_der: &[u8], text: &[u8]) -> Result<Vec<u8>, TerminalError> {
    let (_, certificate) =
        X509Certificate::from_der(certificate_der).map_err(|_| TerminalError::Certificate)?;
    match certificate.public_key().parsed() {
        Ok(PublicKey::RSA(_)) => Ok(digest_info::sha256(&Sha256::digest(text).into())),
        Ok(PublicKey::EC(_)) => Ok(Sha384::digest(text).to_vec()),
        _ => Err(TerminalError::Certificate),
    }
}

fn exchange(
    card: &mut impl CardChannel,
    header: [u8; 4],
    data: &[u8],
    expected: Option<u8>,
) -> Result<Vec<u8>, TerminalError> {
    let mut command = header.to_vec();
    if !data.is_empty() {
        command.push(u8::try_from(data.len()).map_err(|_| TerminalError::Status(status::WRONG_LENGTH))?);
        command.extend_from_slice(data);
    }
    command.extend(expected);
    let mut response = card.transmit(&command);
    let status = match response.split_last_chunk::<2>() {
        Some((_, word)) => u16::from_be_bytes(*word),
        None => return Err(TerminalError::Status(0)),
    };
    response.truncate(response.len() - 2);
    match status {
        status::OK => Ok(response),
        status::BLOCKED => Err(CardRefusal::Locked.into()),
        wrong @ 0x63c0..=0x63cf => {
            let tries_left = u8::try_from(wrong & 0x0f).unwrap_or_default();
            Err(CardRefusal::WrongPin { tries_left }.into())
        }
        other => Err(TerminalError::Status(other)),
    }
}
