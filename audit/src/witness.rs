//! What logs and witnesses say to each other: the texts of C2SP tlog-witness v1.0 `add-checkpoint`.
//!
//! Only the texts. Whether a proof holds is [`crate::tree::verify_consistency`]; whether a note is signed is
//! [`crate::Checkpoint::open`]; that a witness writes down before it answers is the witness's matter.

use crate::lines::{decimal, read_hash, split_proof, write_hashes};
use crate::note::is_signed_note;
use crate::tree::Hash;

/// Media type of the answer 409, whose body is [`encode_size`].
pub const SIZE_MEDIA_TYPE: &str = "text/x.tlog.size";

/// The body of an `add-checkpoint` request: a checkpoint and why it is consistent with the one before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AddCheckpoint {
    old_size: u64,
    proof: Vec<Hash>,
    note: String,
}

/// Why a text or value is no `add-checkpoint` request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AddCheckpointError {
    /// The first line is not `old`, a space and a decimal size.
    #[error("the first line is not \"old\" and a size")]
    OldSize,
    /// A proof line is not the base64 of 32 bytes, or no blank line ends the proof.
    #[error("a proof line is not the base64 of a hash")]
    Proof,
    /// More than 63 proof lines, or any at all although the old size is 0.
    #[error("the proof has more hashes than a proof can have")]
    ProofLength,
    /// What follows the blank line has not the form of a signed note.
    #[error("after the blank line there is no signed note")]
    Note,
}

impl AddCheckpoint {
    /// A request. The note is sent as it is, with all of its signature lines.
    pub fn new(old_size: u64, proof: Vec<Hash>, note: String) -> Result<Self, AddCheckpointError> {
        if proof.len() > MAX_PROOF || (old_size == 0 && !proof.is_empty()) {
            return Err(AddCheckpointError::ProofLength);
        }
        if !is_signed_note(note.as_bytes()) {
            return Err(AddCheckpointError::Note);
        }
        Ok(Self { old_size, proof, note })
    }

    /// The body.
    pub fn encode(&self) -> String {
        format!("old {}\n{}\n{}", self.old_size, write_hashes(&self.proof), self.note)
    }

    /// Reads what [`AddCheckpoint::encode`] writes and nothing else.
    pub fn decode(body: &[u8]) -> Result<Self, AddCheckpointError> {
        let body = str::from_utf8(body).map_err(|_| AddCheckpointError::Note)?;
        let (first, rest) = body.split_once('\n').ok_or(AddCheckpointError::OldSize)?;
        let old_size = first.strip_prefix("old ").and_then(decimal).ok_or(AddCheckpointError::OldSize)?;
        let (proof, note) = split_proof(rest).ok_or(AddCheckpointError::Proof)?;
        let proof = proof.iter().map(|line| read_hash(line)).collect::<Option<_>>();
        Self::new(old_size, proof.ok_or(AddCheckpointError::Proof)?, note.to_owned())
    }

    /// Size of the tree that the proof starts from; 0 if there was none.
    pub fn old_size(&self) -> u64 {
        self.old_size
    }

    /// Consistency proof from the old size to that of the checkpoint.
    pub fn proof(&self) -> &[Hash] {
        &self.proof
    }

    /// The checkpoint's note, not yet verified.
    pub fn note(&self) -> &str {
        &self.note
    }
}

/// The body of the answer 409: the size that the witness cosigned last.
pub fn encode_size(size: u64) -> String {
    format!("{size}\n")
}

/// Reads what [`encode_size`] writes; `None` for anything else.
pub fn decode_size(body: &[u8]) -> Option<u64> {
    str::from_utf8(body).ok()?.strip_suffix('\n').and_then(decimal)
}

/// The specification: a client must not send more.
const MAX_PROOF: usize = 63;

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD as BASE64;
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    const NOTE: &str = "log.example/a\n9\nAAAA\n\n— log.example/a AAAAAAA=\n";

    /// The example of the specification.
    const EXAMPLE: &str = "old 20852014
PlRNCrwHpqhGrupue0L7gxbjbMiKA9temvuZZDDpkaw=
jrJZDmY8Y7SyJE0MWLpLozkIVMSMZcD5kvuKxPC3swk=
5+pKlUdi2LeF/BcMHBn+Ku6yhPGNCswZZD1X/6QgPd8=
/6WVhPs2CwSsb5rYBH5cjHV/wSmA79abXAwhXw3Kj/0=

example.com/behind-the-sofa
20852163
CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=

— example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=
— example.com/behind-the-sofa opLqBQsREYCgu6xQkYQwJr9fo45a62DN9EdmHXnZdXNqlcVGlCum2Wks+49/V6267UEjw6QUXTS5Rovnzv++qbSzm9Q=
";

    #[test]
    fn the_example_of_the_specification_is_read_and_written_back() {
        let request = AddCheckpoint::decode(EXAMPLE.as_bytes()).unwrap();
        assert_eq!((request.old_size(), request.proof().len()), (20_852_014, 4));
        assert!(request.note().starts_with("example.com/behind-the-sofa\n20852163\n"));
        assert_eq!(request.encode(), EXAMPLE);
    }

    #[test]
    fn what_is_no_request_is_named() {
        let hash = BASE64.encode([1; 32]);
        let refusal = |body: &str| AddCheckpoint::decode(body.as_bytes()).unwrap_err();
        for first in ["", "old", "old ", "old 01", "old +1", "old -1", "old  1", "Old 1", "old 1 ", "1"] {
            assert_eq!(refusal(&format!("{first}\n\n{NOTE}")), AddCheckpointError::OldSize, "{first:?}");
        }
        assert_eq!(refusal(&format!("old 1\n{hash}x\n\n{NOTE}")), AddCheckpointError::Proof);
        assert_eq!(refusal(&format!("old 1\nAAAA\n\n{NOTE}")), AddCheckpointError::Proof);
        assert_eq!(refusal(&format!("old 1\n{hash}\r\n\n{NOTE}")), AddCheckpointError::Proof);
        assert_eq!(refusal("old 1\n"), AddCheckpointError::Proof);
        assert_eq!(refusal(&format!("old 0\n{hash}\n\n{NOTE}")), AddCheckpointError::ProofLength);
        let many = format!("{hash}\n").repeat(64);
        assert_eq!(refusal(&format!("old 1\n{many}\n{NOTE}")), AddCheckpointError::ProofLength);
        for note in ["", "text\n", "text\n\n", "text\n\n— x y\n", NOTE.trim_end()] {
            assert_eq!(refusal(&format!("old 1\n\n{note}")), AddCheckpointError::Note, "{note:?}");
        }
        assert_eq!(AddCheckpoint::decode(b"old 1\n\n\xff"), Err(AddCheckpointError::Note));
    }

    #[test]
    fn a_size_has_one_form() {
        assert_eq!(decode_size(encode_size(0).as_bytes()), Some(0));
        assert_eq!(decode_size(encode_size(u64::MAX).as_bytes()), Some(u64::MAX));
        for bad in ["", "1", "01\n", "1\n\n", " 1\n", "+1\n", "18446744073709551616\n", "1\r\n"] {
            assert_eq!(decode_size(bad.as_bytes()), None, "{bad:?}");
        }
    }

    proptest! {
        #[test]
        fn decoding_is_the_inverse_of_encoding(old_size: u64, proof in vec(any::<Hash>(), 0..64)) {
            let proof = if old_size == 0 { Vec::new() } else { proof };
            let request = AddCheckpoint::new(old_size, proof, NOTE.to_owned()).unwrap();
            prop_assert_eq!(AddCheckpoint::decode(request.encode().as_bytes()), Ok(request));
        }

        #[test]
        fn what_is_accepted_is_what_encoding_makes(at in 0..EXAMPLE.len(), byte: u8) {
            let mut body = EXAMPLE.as_bytes().to_vec();
            body[at] = byte;
            if let Ok(request) = AddCheckpoint::decode(&body) {
                prop_assert_eq!(request.encode().into_bytes(), body);
            }
        }
    }
}
