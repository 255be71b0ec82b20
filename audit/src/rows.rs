//! The rows of one bulk chunk: a leaf of kind 14 commits to all of them, and each row can be proved alone. An erasure
//! (kind 8) commits to the entries that it fell on in the same way.

use hmac::Mac as _;

use crate::part::{Salt, keyed};
use crate::text::ShortText;
use crate::tree::{Frontier, Hash, leaf_hash};

/// Salted digest of one row: HMAC-SHA-256 under the row's own salt over
/// `u8+n row id | 32 SHA-256 of the row's version | u16 outcome`.
pub fn row_digest(salt: &Salt, row_id: &ShortText, version_sha256: &Hash, outcome: u16) -> Hash {
    let row_id = row_id.as_str().as_bytes();
    let mut mac = keyed(salt);
    // The type holds at most 255 bytes.
    mac.update(&[u8::try_from(row_id.len()).unwrap_or(u8::MAX)]);
    mac.update(row_id);
    mac.update(version_sha256);
    mac.update(&outcome.to_be_bytes());
    mac.finalize().into_bytes().into()
}

/// RFC 6962 root of the tree whose leaves are the digests, in the order of the rows.
pub fn rows_root(digests: &[Hash]) -> Hash {
    let mut tree = Frontier::default();
    for digest in digests {
        tree.push(leaf_hash(digest));
    }
    tree.root()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::{inclusion_path, root_of, verify_inclusion};

    #[test]
    fn every_field_of_a_row_changes_its_digest() {
        let row = |salt, id: &str, version, outcome| {
            row_digest(&Salt::new([salt; 32]), &ShortText::new(id).unwrap(), &[version; 32], outcome)
        };
        let digest = row(1, "r-1", 2, 3);
        assert_eq!(digest, row(1, "r-1", 2, 3));
        for other in [row(9, "r-1", 2, 3), row(1, "r-2", 2, 3), row(1, "r-1", 9, 3), row(1, "r-1", 2, 9)] {
            assert_ne!(digest, other);
        }
    }

    #[test]
    fn one_row_is_proved_without_the_others() {
        let digests: Vec<Hash> = (0..37).map(|i| [i; 32]).collect();
        let leaves: Vec<Hash> = digests.iter().map(|digest| leaf_hash(digest)).collect();
        let root = rows_root(&digests);
        assert_eq!(root, root_of(&leaves));
        let path = inclusion_path(11, 37, |range| {
            Ok::<_, ()>(
                leaves[usize::try_from(range.start).unwrap()..usize::try_from(range.end).unwrap()].to_vec(),
            )
        });
        assert_eq!(verify_inclusion(11, 37, &leaf_hash(&digests[11]), &path.unwrap(), &root), Ok(()));
    }
}
