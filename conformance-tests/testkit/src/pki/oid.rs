//! Object identifiers in the dev PKI, and where each comes from.
//!
//! The production policies appear only so that a verifier in test configuration can be shown one
//! and refuse it, and the other way round (R-CCP-06).

/// Policy of user-authentication certificates in this PKI. The arc `1.2.392.200149.8.5.1.0` is the
/// published test environment's; `30` follows the production policy by analogy, we saw no
/// published test policy for user authentication.
pub const TEST_USER_AUTHENTICATION: &str = "1.2.392.200149.8.5.1.0.30";

/// Policy of signature certificates (署名用) in the published test environment.
pub const TEST_SIGNATURE: &str = "1.2.392.200149.8.5.1.0.20";

/// Policy of real user-authentication certificates (利用者証明用).
pub const PRODUCTION_USER_AUTHENTICATION: &str = "1.2.392.200149.8.5.1.3.30";

/// Policy of real signature certificates (署名用).
pub const PRODUCTION_SIGNATURE: &str = "1.2.392.200149.8.5.1.1.20";

/// Policy that makes a leaf of the institution CA a face reader's. Our own arc: ITU-T X.667 lets
/// anybody use `2.25.<UUID as an integer>`; ours is 6f1d2c1e-0b5a-4f0e-9a37-52d1c8e4b7a6, and `.1`
/// below it is "reader". The arc exceeds 64 bits, so compare [`READER_POLICY_DER`], not arcs.
pub const READER_POLICY: &str = "2.25.147695778947404119763097867352174540710.1";

/// Content octets of [`READER_POLICY`], without tag and length.
pub const READER_POLICY_DER: &[u8] = &[
    0x69, 0x81, 0xde, 0x9d, 0x96, 0x87, 0xc1, 0xb5, 0xd2, 0xbc, 0x9d, 0x9a, 0x9b, 0xd4, 0xda, 0x9c, 0xc7,
    0x92, 0xef, 0x26, 0x01,
];

/// `otherName` arc under which signature certificates carry name, sex, birth date and address.
pub const PERSON_ATTRIBUTES: &str = "1.2.392.200149.8.5.5";

pub(super) const TEST_USER_AUTHENTICATION_ARCS: &[u64] = &[1, 2, 392, 200_149, 8, 5, 1, 0, 30];
pub(super) const TEST_SIGNATURE_ARCS: &[u64] = &[1, 2, 392, 200_149, 8, 5, 1, 0, 20];
pub(super) const PRODUCTION_USER_AUTHENTICATION_ARCS: &[u64] = &[1, 2, 392, 200_149, 8, 5, 1, 3, 30];
pub(super) const COMMON_NAME_ATTRIBUTE_ARCS: &[u64] = &[1, 2, 392, 200_149, 8, 5, 5, 1];
/// ITU-T X.660 gives `2.999` to examples; nobody will ever mean anything by it.
pub(super) const EXAMPLE_ARCS: &[u64] = &[2, 999, 1];

pub(super) const CERTIFICATE_POLICIES: &[u64] = &[2, 5, 29, 32];
pub(super) const SUBJECT_ALT_NAME: &[u64] = &[2, 5, 29, 17];
pub(super) const KEY_USAGE: &[u64] = &[2, 5, 29, 15];
pub(super) const CRL_DISTRIBUTION_POINTS: &[u64] = &[2, 5, 29, 31];
pub(super) const ORGANIZATIONAL_UNIT: &[u64] = &[2, 5, 4, 11];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pki::der;

    fn dotted(arcs: &[u64]) -> String {
        arcs.iter().map(u64::to_string).collect::<Vec<_>>().join(".")
    }

    #[test]
    fn texts_and_arcs_say_the_same() {
        assert_eq!(dotted(TEST_USER_AUTHENTICATION_ARCS), TEST_USER_AUTHENTICATION);
        assert_eq!(dotted(TEST_SIGNATURE_ARCS), TEST_SIGNATURE);
        assert_eq!(dotted(PRODUCTION_USER_AUTHENTICATION_ARCS), PRODUCTION_USER_AUTHENTICATION);
        assert!(dotted(COMMON_NAME_ATTRIBUTE_ARCS).starts_with(PERSON_ATTRIBUTES));
    }

    #[test]
    fn the_reader_policy_is_the_uuid_in_base_128() {
        let uuid = 0x6f1d_2c1e_0b5a_4f0e_9a37_52d1_c8e4_b7a6_u128;
        assert_eq!(format!("2.25.{uuid}.1"), READER_POLICY);
        let (last, rest) = READER_POLICY_DER.split_last().unwrap();
        let (first, arc) = rest.split_first().unwrap();
        assert_eq!((*first, *last), (2 * 40 + 25, 1));
        let value = arc.iter().fold(0u128, |value, byte| (value << 7) | u128::from(byte & 0x7f));
        assert_eq!(value, uuid);
        assert_eq!(der::tlv(6, READER_POLICY_DER)[..2], [6, 21]);
    }
}
