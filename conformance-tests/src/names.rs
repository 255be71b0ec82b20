//! Names that no other scenario and no earlier run has used.

use rand::RngExt as _;

/// Sixteen random letters. No digits: nothing here may look like an individual number.
pub fn fresh() -> String {
    let mut random = rand::rng();
    (0..16).map(|_| random.random_range('a'..='z')).collect()
}

/// A random UUID (version 4) in its usual form.
pub fn uuid() -> String {
    let mut bytes: [u8; 16] = rand::random();
    let [.., version, _, variant, _, _, _, _, _, _, _] = &mut bytes;
    *version = (*version & 0x0f) | 0x40;
    *variant = (*variant & 0x3f) | 0x80;
    let hex: Vec<String> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    let group = |range: std::ops::Range<usize>| hex.get(range).map(<[String]>::concat).unwrap_or_default();
    [0..4, 4..6, 6..8, 8..10, 10..16].map(group).join("-")
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_uuid_has_its_usual_form() {
        let uuid = super::uuid();
        assert_eq!(uuid.len(), 36);
        assert_eq!(&uuid[14..15], "4");
        assert!("89ab".contains(&uuid[19..20]), "{uuid}");
    }
}
