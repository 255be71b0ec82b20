//! TEMP until pmh-domain compiles
pub(crate) fn looks_like_individual_number(text: &str) -> bool {
    let t = text.trim();
    if t.len() != 12 || !t.bytes().all(|b| b.is_ascii_digit()) {
        return false;
    }
    let w = [6, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2];
    let s: u32 = t.bytes().zip(w).map(|(d, w)| u32::from(d - b'0') * w).sum();
    let c = if s % 11 <= 1 { 0 } else { 11 - s % 11 };
    t.bytes().last().map(|d| u32::from(d - b'0')) == Some(c)
}
