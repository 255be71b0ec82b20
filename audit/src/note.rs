//! C2SP signed notes (v1.0) and the checkpoints written as such (tlog-checkpoint v1.0), with Ed25519 signatures
//! verified by the strict rule.
//!
//! Strict: canonical points and scalars, no point of small order, no cofactor. Two honest verifiers then never
//! disagree about one note. Signature lines of unknown keys (witnesses, later algorithms) are skipped; [`Cosigned`]
//! reads those of known witnesses.

mod checkpoint;
mod cosignature;
mod key;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

pub use checkpoint::{Checkpoint, CheckpointError};
pub use cosignature::{Cosignature, Cosigned};
pub use key::{CosigningKey, KeyError, Secret, SigningKey, VerifierKey, Vkey, WitnessKey};

/// A note of which at least one signature was verified: only [`Note::open`] makes one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    text: String,
    signers: Vec<String>,
}

/// Why a note is not to be believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoteError {
    /// Not a text, a blank line and one to a hundred signature lines, in UTF-8 without control characters.
    #[error("this is not a signed note")]
    Malformed,
    /// A line of a known key carries a signature that this key did not make.
    #[error("a signature of a known key does not fit the note")]
    Signature,
    /// No line is of a known key.
    #[error("the note is signed by none of the known keys")]
    Unsigned,
}

impl Note {
    /// Verifies a note under the given keys. All lines of known keys must be right, and there must be one.
    pub fn open(note: &[u8], known: &[VerifierKey]) -> Result<Self, NoteError> {
        let (text, lines) = split(note)?;
        let mut signers: Vec<String> = Vec::new();
        for line in lines {
            let line = SignatureLine::parse(line)?;
            let mut candidates = known.iter().filter(|key| line.is_of(key)).peekable();
            if candidates.peek().is_none() {
                continue;
            }
            let key = candidates.find(|key| key.verifies(text.as_bytes(), &line.signature));
            let name = key.ok_or(NoteError::Signature)?.name();
            if !signers.iter().any(|signer| signer == name) {
                signers.push(name.to_owned());
            }
        }
        if signers.is_empty() {
            Err(NoteError::Unsigned)
        } else {
            Ok(Self { text: text.to_owned(), signers })
        }
    }

    /// The text with its final newline, without the blank line.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Names of the known keys that signed, in the order of their lines, each once.
    pub fn signers(&self) -> &[String] {
        &self.signers
    }
}

impl SigningKey {
    /// Signs a text and gives the whole note. The text must end in a newline and hold no other control character.
    ///
    /// Ed25519 is deterministic: signing the same text again after a crash gives the same note.
    pub fn sign(&self, text: &str) -> Result<String, NoteError> {
        if !text.ends_with('\n') || !is_note_text(text) {
            return Err(NoteError::Malformed);
        }
        Ok(format!("{text}\n{}", self.signature_line(text)))
    }

    fn signature_line(&self, text: &str) -> String {
        write_line(self.verifier(), &self.sign_bytes(text.as_bytes()))
    }
}

fn write_line<const TYPE: u8>(key: &Vkey<TYPE>, signature: &[u8]) -> String {
    let signature = [key.id().as_slice(), signature].concat();
    format!("{LINE_START}{} {}\n", key.name(), BASE64.encode(signature))
}

struct SignatureLine<'a> {
    name: &'a str,
    key_id: [u8; 4],
    signature: Vec<u8>,
}

impl<'a> SignatureLine<'a> {
    fn parse(line: &'a str) -> Result<Self, NoteError> {
        let (name, encoded) = line
            .strip_prefix(LINE_START)
            .and_then(|line| line.split_once(' '))
            .ok_or(NoteError::Malformed)?;
        let decoded = BASE64.decode(encoded).map_err(|_| NoteError::Malformed)?;
        match decoded.split_first_chunk::<4>() {
            Some((key_id, signature)) if key::is_key_name(name) && !signature.is_empty() => {
                Ok(Self { name, key_id: *key_id, signature: signature.to_vec() })
            }
            _ => Err(NoteError::Malformed),
        }
    }

    fn is_of<const TYPE: u8>(&self, key: &Vkey<TYPE>) -> bool {
        key.name() == self.name && key.id() == self.key_id
    }
}

/// Splits at the last empty line and checks the outer form.
fn split(note: &[u8]) -> Result<(&str, Vec<&str>), NoteError> {
    let note = str::from_utf8(note).ok().filter(|note| is_note_text(note)).ok_or(NoteError::Malformed)?;
    let blank = note.rfind("\n\n").ok_or(NoteError::Malformed)?;
    let (text, signatures) = note.split_at_checked(blank + 1).ok_or(NoteError::Malformed)?;
    let signatures = signatures.strip_prefix('\n').and_then(|lines| lines.strip_suffix('\n'));
    let lines: Vec<&str> = signatures.ok_or(NoteError::Malformed)?.split('\n').collect();
    if lines.len() > MAX_SIGNATURES { Err(NoteError::Malformed) } else { Ok((text, lines)) }
}

/// Whether this has the form of a signed note, whoever signed it.
pub(crate) fn is_signed_note(note: &[u8]) -> bool {
    split(note).is_ok_and(|(_, lines)| lines.iter().all(|line| SignatureLine::parse(line).is_ok()))
}

/// No ASCII control character other than newline.
fn is_note_text(text: &str) -> bool {
    text.bytes().all(|byte| byte >= b' ' || byte == b'\n')
}

const LINE_START: &str = "\u{2014} ";
/// The specification asks for at least 16; the reference implementation takes 100.
const MAX_SIGNATURES: usize = 100;
