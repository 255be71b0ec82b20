//! Cosignatures (C2SP tlog-cosignature v1.0.1, Ed25519): a witness's word that, at a time, this was the largest tree
//! that it had seen of a log, and that it only ever grew.

use super::{
    Checkpoint, CheckpointError, CosigningKey, NoteError, SignatureLine, VerifierKey, WitnessKey,
    is_note_text, split, write_line,
};

/// A witness's verified word on one checkpoint: only [`Cosigned::open`] makes one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cosignature {
    witness: WitnessKey,
    time: u64,
    line: String,
}

/// A checkpoint that its log signed, and which known witnesses cosigned it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cosigned {
    checkpoint: Checkpoint,
    cosignatures: Vec<Cosignature>,
}

impl CosigningKey {
    /// The signature line, with its newline, over a checkpoint's note text at a time in seconds since 1970.
    ///
    /// The caller has verified the log's signature and the consistency with what it cosigned before, and has written
    /// this size and root down: all of that is what the line says.
    pub fn cosign(&self, text: &str, unix_seconds: u64) -> Result<String, NoteError> {
        if !text.ends_with('\n') || !is_note_text(text) || unix_seconds > MAX_TIME {
            return Err(NoteError::Malformed);
        }
        let signature = self.sign_bytes(&message(text, unix_seconds));
        Ok(write_line(self.verifier(), &[unix_seconds.to_be_bytes().as_slice(), &signature].concat()))
    }
}

impl Cosigned {
    /// Verifies a checkpoint under its log's key and reads the cosignatures of the given witnesses.
    ///
    /// Lines of other keys are skipped. A line of a known witness must be right: a wrong one is no missing
    /// cosignature but a damaged note. Of several lines of one witness the latest counts.
    pub fn open(note: &[u8], log: &VerifierKey, witnesses: &[WitnessKey]) -> Result<Self, CheckpointError> {
        let checkpoint = Checkpoint::open(note, log)?;
        let cosignatures = cosignatures(note, witnesses).map_err(CheckpointError::Note)?;
        Ok(Self { checkpoint, cosignatures })
    }

    /// What the log signed.
    pub fn checkpoint(&self) -> &Checkpoint {
        &self.checkpoint
    }

    /// One per witness that cosigned, in the order of its first line.
    pub fn cosignatures(&self) -> &[Cosignature] {
        &self.cosignatures
    }
}

impl Cosignature {
    /// Who cosigned.
    pub fn witness(&self) -> &WitnessKey {
        &self.witness
    }

    /// When, by the witness's clock, in seconds since 1970. Whether that is credible is for the caller to say.
    pub fn time(&self) -> u64 {
        self.time
    }

    /// The signature line with its newline; behind the log's own note it makes a cosigned checkpoint.
    pub fn line(&self) -> &str {
        &self.line
    }
}

fn cosignatures(note: &[u8], witnesses: &[WitnessKey]) -> Result<Vec<Cosignature>, NoteError> {
    let (text, lines) = split(note)?;
    let mut found: Vec<Cosignature> = Vec::new();
    for line in lines {
        let Some(cosignature) = read_line(text, line, witnesses)? else { continue };
        match found.iter_mut().find(|known| known.witness == cosignature.witness) {
            Some(known) if known.time < cosignature.time => *known = cosignature,
            Some(_) => {}
            None => found.push(cosignature),
        }
    }
    Ok(found)
}

/// `None` if the line is of no known witness.
fn read_line(text: &str, line: &str, witnesses: &[WitnessKey]) -> Result<Option<Cosignature>, NoteError> {
    let parsed = SignatureLine::parse(line)?;
    let mut candidates = witnesses.iter().filter(|key| parsed.is_of(key)).peekable();
    if candidates.peek().is_none() {
        return Ok(None);
    }
    let (time, signature) = parsed.signature.split_first_chunk::<8>().ok_or(NoteError::Signature)?;
    let time = u64::from_be_bytes(*time);
    if time > MAX_TIME {
        return Err(NoteError::Signature);
    }
    let message = message(text, time);
    let witness = candidates.find(|key| key.verifies(&message, signature)).ok_or(NoteError::Signature)?;
    Ok(Some(Cosignature { witness: witness.clone(), time, line: format!("{line}\n") }))
}

/// The header line keeps a cosignature from being mistaken for a note of the witness's own.
fn message(text: &str, unix_seconds: u64) -> Vec<u8> {
    format!("cosignature/v1\ntime {unix_seconds}\n{text}").into_bytes()
}

/// The specification: must not exceed 2^63 - 1.
const MAX_TIME: u64 = u64::MAX >> 1;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::note::{Note, SigningKey};

    fn log() -> SigningKey {
        SigningKey::from_seed("log.example/a", &[7; 32]).unwrap()
    }

    fn witness(seed: u8) -> CosigningKey {
        CosigningKey::from_seed(&format!("witness.example/{seed}"), &[seed; 32]).unwrap()
    }

    fn checkpoint() -> Checkpoint {
        Checkpoint::new("log.example/a", 9, [3; 32]).unwrap()
    }

    fn open(note: &str, seeds: &[u8]) -> Result<Vec<(String, u64)>, CheckpointError> {
        let witnesses: Vec<WitnessKey> = seeds.iter().map(|seed| witness(*seed).verifier().clone()).collect();
        let cosigned = Cosigned::open(note.as_bytes(), log().verifier(), &witnesses)?;
        assert_eq!(cosigned.checkpoint(), &checkpoint());
        let of = |one: &Cosignature| (one.witness().name().to_owned(), one.time());
        Ok(cosigned.cosignatures().iter().map(of).collect())
    }

    #[test]
    fn known_witnesses_are_named_with_their_times_and_others_are_skipped() {
        let text = checkpoint().text();
        let note = checkpoint().sign(&log()).unwrap()
            + &witness(1).cosign(&text, 1_679_315_147).unwrap()
            + &witness(2).cosign(&text, 0).unwrap();
        let (one, two) =
            (("witness.example/1".to_owned(), 1_679_315_147), ("witness.example/2".to_owned(), 0));
        assert_eq!(open(&note, &[2, 1]), Ok(vec![one, two.clone()]));
        assert_eq!(open(&note, &[2, 3]), Ok(vec![two]));
        assert_eq!(open(&note, &[]), Ok(vec![]));
        // A log's own verifier sees only the log.
        assert_eq!(
            Note::open(note.as_bytes(), &[log().verifier().clone()]).unwrap().signers(),
            ["log.example/a"]
        );
    }

    #[test]
    fn the_latest_of_several_lines_counts_once() {
        let text = checkpoint().text();
        let lines = [5, 9, 7].map(|time| witness(1).cosign(&text, time).unwrap());
        let note = checkpoint().sign(&log()).unwrap() + &lines.concat();
        assert_eq!(open(&note, &[1]), Ok(vec![("witness.example/1".to_owned(), 9)]));
    }

    #[test]
    fn a_line_of_a_known_witness_that_does_not_fit_spoils_the_note() {
        let own = checkpoint().sign(&log()).unwrap();
        let spoilt = Err(CheckpointError::Note(NoteError::Signature));
        let of_another_size = Checkpoint::new("log.example/a", 8, [3; 32]).unwrap().text();
        assert_eq!(open(&(own.clone() + &witness(1).cosign(&of_another_size, 5).unwrap()), &[1]), spoilt);
        // A plain note signature of the same key has no time, and another message.
        let key = witness(1);
        let bare = write_line(key.verifier(), &key.sign_bytes(checkpoint().text().as_bytes()));
        assert_eq!(open(&(own.clone() + &bare), &[1]), spoilt);
        let short = write_line(key.verifier(), &[1; 7]);
        assert_eq!(open(&(own + &short), &[1]), spoilt);
    }

    #[test]
    fn a_cosignature_stands_for_no_log() {
        let witness_named_as_log = CosigningKey::from_seed("log.example/a", &[7; 32]).unwrap();
        let line = witness_named_as_log.cosign(&checkpoint().text(), 5).unwrap();
        let note = format!("{}\n{line}", checkpoint().text());
        let refused = Err(CheckpointError::Note(NoteError::Unsigned));
        assert_eq!(Cosigned::open(note.as_bytes(), log().verifier(), &[]), refused);
    }

    #[test]
    fn a_key_is_read_back_only_as_what_it_is() {
        let (log, witness) = (log().verifier().to_string(), witness(1).verifier().to_string());
        assert_eq!(witness.parse::<WitnessKey>().unwrap().to_string(), witness);
        assert_eq!(witness.parse::<VerifierKey>(), Err(crate::note::KeyError::Algorithm));
        assert_eq!(log.parse::<WitnessKey>(), Err(crate::note::KeyError::Algorithm));
    }

    #[test]
    fn times_that_the_format_does_not_have_are_refused() {
        let text = checkpoint().text();
        assert!(witness(1).cosign(&text, MAX_TIME).is_ok());
        assert_eq!(witness(1).cosign(&text, MAX_TIME + 1), Err(NoteError::Malformed));
        let key = witness(1);
        let signature = key.sign_bytes(&message(&text, MAX_TIME + 1));
        let line =
            write_line(key.verifier(), &[(MAX_TIME + 1).to_be_bytes().as_slice(), &signature].concat());
        let note = checkpoint().sign(&log()).unwrap() + &line;
        assert_eq!(open(&note, &[1]), Err(CheckpointError::Note(NoteError::Signature)));
    }

    proptest! {
        #[test]
        fn any_changed_byte_of_a_cosigned_checkpoint_is_found(at in any::<prop::sample::Index>(), bit in 0_u32..8) {
            let cosignature = witness(1).cosign(&checkpoint().text(), 1_679_315_147).unwrap();
            let note = (checkpoint().sign(&log()).unwrap() + &cosignature).into_bytes();
            let mut changed = note.clone();
            changed[at.index(note.len())] ^= 1 << bit;
            let witnesses = [witness(1).verifier().clone()];
            // Changing the witness's name or key id makes the line a stranger's.
            let verdict = Cosigned::open(&changed, log().verifier(), &witnesses);
            prop_assert!(verdict.is_err() || verdict.unwrap().cosignatures().is_empty());
        }
    }
}
