//! The standard normal distribution.

use std::f64::consts::PI;

/// The share below `z`, by Marsaglia's series (J. Stat. Softw. 11-4, 2004):
/// Φ(z) = ½ + φ(z)·(z + z³/3 + z⁵/(3·5) + …), exact to the last digits wherever
/// a child can lie.
pub(super) fn cumulative(z: f64) -> f64 {
    if z.abs() > FAR {
        return if z < 0.0 { 0.0 } else { 1.0 };
    }
    let (mut sum, mut term, mut odd) = (z, z, 3.0);
    while term.abs() > sum.abs() * f64::EPSILON {
        term *= z * z / odd;
        sum += term;
        odd += 2.0;
    }
    let density = (-z * z / 2.0).exp() / (2.0 * PI).sqrt();
    (0.5 + density * sum).clamp(0.0, 1.0)
}

/// Beyond this the share is 0 or 1 in double precision.
const FAR: f64 = 8.0;

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
