//! A checkpoint: origin, size and root of a log, as three lines of note text.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

use super::{Note, NoteError, SigningKey, VerifierKey};
use crate::lines::decimal;
use crate::tree::Hash;

/// What a log says about itself at one size.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    origin: String,
    size: u64,
    root: Hash,
}

/// Why a note is not a checkpoint of the expected log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CheckpointError {
    /// The note itself failed.
    #[error("the checkpoint's note does not verify")]
    Note(#[source] NoteError),
    /// Not exactly origin, decimal size and base64 root.
    #[error("a checkpoint has exactly three lines: origin, size, root")]
    Format,
    /// Signed by the key, but about another log.
    #[error("the checkpoint is about another log")]
    Origin,
}

impl Checkpoint {
    /// A checkpoint of the log named `origin`, one non-empty line without control characters.
    pub fn new(origin: &str, size: u64, root: Hash) -> Result<Self, CheckpointError> {
        if origin.is_empty() || origin.chars().any(char::is_control) {
            return Err(CheckpointError::Format);
        }
        Ok(Self { origin: origin.to_owned(), size, root })
    }

    /// Verifies a note under the log's key and reads its checkpoint. The origin must be the key's name, so that a
    /// key used for two logs cannot lend one's root to the other.
    pub fn open(note: &[u8], key: &VerifierKey) -> Result<Self, CheckpointError> {
        let note = Note::open(note, std::slice::from_ref(key)).map_err(CheckpointError::Note)?;
        let checkpoint = Self::parse(note.text())?;
        if checkpoint.origin == key.name() { Ok(checkpoint) } else { Err(CheckpointError::Origin) }
    }

    /// Reads note text of exactly three lines. Extension lines are refused: ours have none, and nobody could audit
    /// them.
    pub fn parse(text: &str) -> Result<Self, CheckpointError> {
        let mut lines = text.strip_suffix('\n').ok_or(CheckpointError::Format)?.split('\n');
        let (Some(origin), Some(size), Some(root), None) =
            (lines.next(), lines.next(), lines.next(), lines.next())
        else {
            return Err(CheckpointError::Format);
        };
        let root =
            BASE64.decode(root).ok().and_then(|root| root.try_into().ok()).ok_or(CheckpointError::Format)?;
        Self::new(origin, decimal(size).ok_or(CheckpointError::Format)?, root)
    }

    /// The note text.
    pub fn text(&self) -> String {
        format!("{}\n{}\n{}\n", self.origin, self.size, BASE64.encode(self.root))
    }

    /// The signed note. Fails with [`CheckpointError::Origin`] unless the key is named after the log.
    pub fn sign(&self, key: &SigningKey) -> Result<String, CheckpointError> {
        if self.origin != key.verifier().name() {
            return Err(CheckpointError::Origin);
        }
        key.sign(&self.text()).map_err(CheckpointError::Note)
    }

    /// Which log.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// Number of leaves.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Root of the tree of that size.
    pub fn root(&self) -> &Hash {
        &self.root
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_has_one_form() {
        let text = "example.com/log\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n";
        assert_eq!(Checkpoint::parse(text).unwrap().text(), text);
        let root = "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=";
        for bad in [
            format!("o\n1\n{root}"),
            format!("\n1\n{root}\n"),
            format!("o\n01\n{root}\n"),
            format!("o\n+1\n{root}\n"),
            format!("o\n-1\n{root}\n"),
            format!("o\n18446744073709551616\n{root}\n"),
            format!("o\n1\n{root}\nextension\n"),
            format!("o\n1\n{root}\n\n"),
            "o\n1\nAAAA\n".to_owned(),
            // The unused bits of the last character must be zero.
            "o\n1\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2J=\n".to_owned(),
            "o\n1\n".to_owned(),
            String::new(),
        ] {
            assert_eq!(Checkpoint::parse(&bad), Err(CheckpointError::Format), "{bad:?}");
        }
    }

    #[test]
    fn a_key_speaks_for_its_own_log_only() {
        let key = SigningKey::from_seed("log.example/a", &[7; 32]).unwrap();
        let own = Checkpoint::new("log.example/a", 1, [1; 32]).unwrap();
        let note = own.sign(&key).unwrap();
        assert_eq!(Checkpoint::open(note.as_bytes(), key.verifier()), Ok(own));
        let foreign = Checkpoint::new("log.example/b", 1, [1; 32]).unwrap();
        assert_eq!(foreign.sign(&key), Err(CheckpointError::Origin));
        let note = key.sign(&foreign.text()).unwrap();
        assert_eq!(Checkpoint::open(note.as_bytes(), key.verifier()), Err(CheckpointError::Origin));
    }
}
