//! I15 for leaf and parts: decode(encode(x)) = x, and decode takes b only if encode(decode(b)) = b.

use std::fmt::Debug;

use pmh_audit::part::{Audience, ChainLink, Rows};
use pmh_audit::{ActorBody, ChainBody, CodecError, DetailBody, Kind, Leaf, OrgRef, ShortText, SubjectBody};
use proptest::prelude::*;
use proptest::sample::Index;

use crate::arbitrary;
use crate::fixture;

/// Encodes, reads back, and damages: a damaged encoding is refused or is the encoding of what it decodes to.
fn one_encoding<T: PartialEq + Debug>(
    value: &T,
    encode: impl Fn(&T) -> Vec<u8>,
    decode: impl Fn(&[u8]) -> Result<T, CodecError>,
    damage: &[(Index, u8)],
) {
    let bytes = encode(value);
    assert_eq!(decode(&bytes).as_ref(), Ok(value));
    let mut damaged = bytes.clone();
    for (at, mask) in damage {
        damaged[at.index(bytes.len())] ^= mask;
    }
    if let Ok(read) = decode(&damaged) {
        assert_eq!(encode(&read), damaged);
    }
    for end in 0..bytes.len() {
        assert!(decode(&bytes[..end]).is_err(), "a prefix of {end} bytes was accepted");
    }
    assert_eq!(decode(&[bytes.as_slice(), &[0]].concat()), Err(CodecError::Trailing));
}

fn damage() -> impl Strategy<Value = Vec<(Index, u8)>> {
    proptest::collection::vec((any::<Index>(), any::<u8>()), 1..3)
}

proptest! {
    #[test]
    fn i15_a_leaf_has_one_encoding(leaf in arbitrary::leaf(), damage in damage()) {
        one_encoding(&leaf, Leaf::encode, Leaf::decode, &damage);
    }

    #[test]
    fn i15_a_subject_part_has_one_encoding(body in arbitrary::subject(), damage in damage()) {
        one_encoding(&body, SubjectBody::encode, SubjectBody::decode, &damage);
    }

    #[test]
    fn i15_a_chain_part_has_one_encoding(body in arbitrary::chain(), damage in damage()) {
        one_encoding(&body, ChainBody::encode, ChainBody::decode, &damage);
    }

    #[test]
    fn i15_an_actor_part_has_one_encoding(body in arbitrary::actor(), damage in damage()) {
        one_encoding(&body, ActorBody::encode, ActorBody::decode, &damage);
    }

    #[test]
    fn i15_a_detail_part_has_one_encoding(body in arbitrary::detail(), damage in damage()) {
        one_encoding(&body, DetailBody::encode, DetailBody::decode, &damage);
    }

    #[test]
    fn i15_whatever_decodes_encodes_back(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        // A version byte first, or nearly everything would end at the first comparison.
        let bytes = [&[1], bytes.as_slice()].concat();
        if let Ok(leaf) = Leaf::decode(&bytes) { prop_assert_eq!(leaf.encode(), bytes.clone()); }
        if let Ok(body) = SubjectBody::decode(&bytes) { prop_assert_eq!(body.encode(), bytes.clone()); }
        if let Ok(body) = ChainBody::decode(&bytes) { prop_assert_eq!(body.encode(), bytes.clone()); }
        if let Ok(body) = ActorBody::decode(&bytes) { prop_assert_eq!(body.encode(), bytes.clone()); }
        if let Ok(body) = DetailBody::decode(&bytes) { prop_assert_eq!(body.encode(), bytes); }
    }
}

#[test]
fn every_byte_of_the_golden_leaf_can_be_changed_only_into_another_leaf_or_an_error() {
    let bytes = fixture::leaf().encode();
    for at in 0..bytes.len() {
        for value in 0..=u8::MAX {
            let mut changed = bytes.clone();
            changed[at] = value;
            if let Ok(leaf) = Leaf::decode(&changed) {
                assert_eq!(leaf.encode(), changed);
            }
        }
    }
}

#[test]
fn an_unknown_kind_and_unknown_codes_decode() {
    let mut bytes = fixture::leaf().encode();
    bytes[1] = 200;
    let leaf = Leaf::decode(&bytes).unwrap();
    assert!(matches!(leaf.kind, Kind::Other(kind) if kind.number() == 200));
    assert_eq!(leaf.encode(), bytes);
}

#[test]
fn a_leaf_of_another_format_or_with_a_fifth_reference_is_refused() {
    let bytes = fixture::leaf().encode();
    let mut other_format = bytes.clone();
    other_format[0] = 2;
    assert_eq!(Leaf::decode(&other_format), Err(CodecError::Version));

    let leaf =
        Leaf { holder: None, requester: None, refs: Vec::new().try_into().unwrap(), ..fixture::leaf() };
    let mut bytes = leaf.encode();
    bytes[REFS_OFFSET_WITHOUT_ORGANIZATIONS] = 5;
    bytes.extend([0; 5 * 64]);
    assert_eq!(Leaf::decode(&bytes), Err(CodecError::TooLong("refs")));
}

const REFS_OFFSET_WITHOUT_ORGANIZATIONS: usize = 1 + 1 + 8 + 16 + 2 + 2 + 2 + 4 + 1 + 1;

#[test]
fn an_organization_of_33_bytes_is_refused_in_a_leaf() {
    let leaf = Leaf { holder: None, ..fixture::leaf() };
    let bytes = leaf.encode();
    let (before, after) = bytes.split_at(REFS_OFFSET_WITHOUT_ORGANIZATIONS - 2);
    let long = format!("app:{}", "x".repeat(29));
    let bytes = [before, &[33], long.as_bytes(), &after[1..]].concat();
    assert_eq!(Leaf::decode(&bytes), Err(CodecError::Field("holder")));
}

#[test]
fn a_disclosure_without_references_is_small() {
    let leaf = Leaf { refs: Vec::new().try_into().unwrap(), ..fixture::leaf() };
    assert!(leaf.encode().len() <= 210, "{}", leaf.encode().len());
}

#[test]
fn a_chain_says_first_or_after_whom_and_nothing_between() {
    let tag = [1; 32];
    assert!(ChainLink::after(Audience::Person, tag, 1, [2; 32]).is_err());
    assert!(ChainLink::after(Audience::Person, tag, 0, [2; 32]).is_err());
    assert!(ChainLink::after(Audience::Person, tag, 2, [0; 32]).is_err());
    let first = ChainBody::new(vec![ChainLink::first(Audience::Guardian, tag)]).unwrap();
    let mut bytes = first.encode();
    *bytes.last_mut().unwrap() = 1;
    assert_eq!(ChainBody::decode(&bytes), Err(CodecError::Field("previous")));
    let mut bytes = first.encode();
    bytes[2] = 3;
    assert_eq!(ChainBody::decode(&bytes), Err(CodecError::Field("audience")));
    assert!(ChainBody::new(vec![ChainLink::first(Audience::Person, tag); 256]).is_err());
}

#[test]
fn rows_are_counted_and_rooted_or_absent() {
    assert!(Rows::new(0, [1; 32]).is_err());
    assert!(Rows::new(1, [0; 32]).is_err());
    let mut bytes = DetailBody::default().encode();
    let count_ends = bytes.len() - 32;
    bytes[count_ends - 1] = 1;
    assert_eq!(DetailBody::decode(&bytes), Err(CodecError::Field("rows root")));
}

#[test]
fn texts_are_short_and_without_control_characters() {
    assert!(ShortText::new("x".repeat(255)).is_ok());
    assert_eq!(ShortText::new("x".repeat(256)), Err(CodecError::TooLong("text")));
    for bad in ["a\nb", "\u{1b}[2J", "\u{85}"] {
        assert_eq!(ShortText::new(bad), Err(CodecError::Field("text")), "{bad:?}");
    }
    for bad in ["", "with space", "ひと", "tab\t"] {
        assert!(SubjectBody::new(bad).is_err(), "{bad:?}");
    }
    assert!(SubjectBody::new("x".repeat(65_536)).is_err());
}

#[test]
fn debug_of_a_part_names_nobody() {
    let shown = format!(
        "{:?} {:?} {:?}",
        SubjectBody::new("canary-sub").unwrap(),
        ActorBody { operator: ShortText::new("canary-op").unwrap(), ..ActorBody::default() },
        DetailBody { consent: ShortText::new("canary-consent").unwrap(), ..DetailBody::default() },
    );
    assert!(!shown.contains("canary"), "{shown}");
    assert_eq!(OrgRef::new("clinic:1").unwrap().to_string(), "clinic:1");
}
