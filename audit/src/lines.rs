//! Pieces that several C2SP texts share: decimal numbers, and the lines of a proof before a blank one.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

use crate::tree::Hash;

/// Reads an ASCII decimal without sign or leading zeros: one text for one number.
pub(crate) fn decimal(text: &str) -> Option<u64> {
    let number: u64 = text.parse().ok()?;
    (number.to_string() == text).then_some(number)
}

/// Lines up to the empty one, and what follows it.
pub(crate) fn split_proof(text: &str) -> Option<(Vec<&str>, &str)> {
    match text.strip_prefix('\n') {
        Some(rest) => Some((Vec::new(), rest)),
        None => text.split_once("\n\n").map(|(lines, rest)| (lines.split('\n').collect(), rest)),
    }
}

/// One line of a proof.
pub(crate) fn read_hash(line: &str) -> Option<Hash> {
    BASE64.decode(line).ok()?.try_into().ok()
}

/// The lines of a proof, each with its newline.
pub(crate) fn write_hashes(hashes: &[Hash]) -> String {
    hashes.iter().map(|hash| BASE64.encode(hash) + "\n").collect()
}
