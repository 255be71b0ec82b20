//! The standard normal distribution.

use std::f64::consts::FRAC_1_SQRT_2;

/// The share below `z`, by the complementary error function: a sum around one half would lose its last digits in the tails,
/// and a child could seem to fall by growing.
pub(super) fn cumulative(z: f64) -> f64 {
    0.5 * libm::erfc(-z * FRAC_1_SQRT_2)
}

#[cfg(test)]
mod tests {
    use super::super::PUBLISHED_LINES;
    use super::cumulative;

    #[test]
    fn tabled_values_are_met() {
        let shares = [0.03, 0.10, 0.25, 0.50, 0.75, 0.90, 0.97];
        for (z, share) in PUBLISHED_LINES.into_iter().zip(shares) {
            assert!((cumulative(z) - share).abs() < 1e-12, "{z}");
        }
        // Abramowitz and Stegun, table 26.1.
        for (z, share) in
            [(1.0, 0.841_344_746_068_543), (2.0, 0.977_249_868_051_821), (3.0, 0.998_650_101_968_370)]
        {
            assert!((cumulative(z) - share).abs() < 1e-14, "{z}");
            assert!((cumulative(-z) - (1.0 - share)).abs() < 1e-14, "{z}");
        }
        assert!(cumulative(9.0) > 0.999 && cumulative(-9.0) < 0.001 && (cumulative(0.0) - 0.5).abs() < 1e-15);
    }
}
