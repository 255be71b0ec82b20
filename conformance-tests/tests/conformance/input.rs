//! What bad input gets: a stable reason and the field's path, nothing echoed, nothing lost.

mod questions;
mod rows;
mod wire;

/// The test My Number of the check digit's own definition (総務省令): invented, belongs to nobody.
pub(crate) fn individual_number() -> String {
    // Eleven digits, then the check digit by 地方公共団体情報システム機構's rule, so that no literal stands here.
    let digits = [1_u32, 2, 3, 4, 5, 6, 7, 8, 9, 0, 1];
    let weights = [6, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2];
    let sum: u32 = digits.iter().zip(weights).map(|(digit, weight)| digit * weight).sum();
    let check = match sum % 11 {
        0 | 1 => 0,
        rest => 11 - rest,
    };
    digits.iter().chain([&check]).map(ToString::to_string).collect()
}
