//! A person's list: it verifies as it is, and whatever is removed, swapped or changed is reported. All invented.

use pmh_audit::list::{Access, Content, Cut, Place, Shown, Walk};
use pmh_audit::part::{Audience, ChainLink};
use pmh_audit::tree::leaf_hash;
use pmh_audit::{
    ChainBody, Checkpoint, Frontier, Hash, Kind, Leaf, ListEntry, ListError, ListPage, Opening, Part,
    VerifiedList, verify_chain,
};
use proptest::prelude::*;

use crate::fixture::{self, ORIGIN};

const TAG: Hash = [0x71; 32];
const GUARDIAN_TAG: Hash = [0x72; 32];

/// A log in which every third entry is about others; each of the person's own is also in a guardian's list from the
/// third on. The newest is the person's look at the log.
pub(crate) struct Story {
    page: ListPage,
    own: Hash,
}

impl Story {
    pub(crate) fn new(accesses: u64) -> Self {
        let mut leaves: Vec<Vec<u8>> = Vec::new();
        let mut mine: Vec<(usize, Shown)> = Vec::new();
        let mut previous = None;
        for seq in 1..=accesses {
            if seq % 3 == 0 {
                leaves.push(fixture::leaf().encode());
            }
            let shown = entry(seq, previous, seq == accesses);
            previous = Some(leaf_hash(&shown.leaf));
            mine.push((leaves.len(), shown.clone()));
            leaves.push(shown.leaf);
        }
        // Somebody else's entry came after, in the same batch.
        leaves.push(fixture::leaf().encode());
        let page = page_of(&leaves, mine.into_iter().rev().collect());
        Self { own: hash_at(&page, 0), page }
    }

    /// As the person keeps it.
    #[cfg(feature = "cli")]
    pub(crate) fn list(&self) -> pmh_audit::AccessList {
        pmh_audit::AccessList { tag: TAG, own: self.own, pages: vec![self.page.clone()] }
    }

    fn verify(&self) -> Result<VerifiedList, ListError> {
        verify_chain(std::slice::from_ref(&self.page), &fixture::vkey(), &TAG, &self.own)
    }

    fn with(&self, change: impl FnOnce(&mut Vec<ListEntry>)) -> Result<VerifiedList, ListError> {
        let mut page = self.page.clone();
        change(&mut page.entries);
        verify_chain(&[page], &fixture::vkey(), &TAG, &self.own)
    }
}

fn entry(seq: u64, previous: Option<Hash>, newest: bool) -> Shown {
    let link = |audience, tag, seq: u64| match previous {
        Some(previous) if seq > 1 => ChainLink::after(audience, tag, seq, previous).unwrap(),
        _ => ChainLink::first(audience, tag),
    };
    let mut links = vec![link(Audience::Person, TAG, seq)];
    if seq >= 3 {
        links.insert(0, link(Audience::Guardian, GUARDIAN_TAG, seq - 2));
    }
    let chain = opening(seq, 1, ChainBody::new(links).unwrap().encode());
    let (detail, subject) =
        (opening(seq, 2, fixture::detail().encode()), opening(seq, 3, fixture::subject().encode()));
    let leaf = Leaf {
        kind: if newest { Kind::CitizenQuery } else { Kind::Disclosure },
        time_us: 1_000 + seq / 2,
        chain: chain.commitment(Part::Chain),
        detail: detail.commitment(Part::Detail),
        subject: subject.commitment(Part::Subject),
        ..fixture::leaf()
    };
    Shown { leaf: leaf.encode(), chain, detail: Some(detail), subject: Some(subject) }
}

fn opening(seq: u64, part: u8, body: Vec<u8>) -> Opening {
    let mut salt = [part; 32];
    salt[..8].copy_from_slice(&seq.to_be_bytes());
    Opening { salt: salt.into(), body }
}

fn page_of(leaves: &[Vec<u8>], entries: Vec<(usize, Shown)>) -> ListPage {
    let hashes: Vec<Hash> = leaves.iter().map(|leaf| leaf_hash(leaf)).collect();
    let mut tree = Frontier::default();
    let paths = tree.append(&hashes);
    let checkpoint = Checkpoint::new(ORIGIN, tree.size(), tree.root()).unwrap();
    let entries = entries
        .into_iter()
        .map(|(at, shown)| ListEntry {
            index: at as u64,
            path: paths[at].clone(),
            content: Content::Shown(Box::new(shown)),
        })
        .collect();
    ListPage { entries, tree_size: tree.size(), checkpoint: checkpoint.sign(&fixture::key()).unwrap() }
}

fn hash_at(page: &ListPage, at: usize) -> Hash {
    match &page.entries[at].content {
        Content::Shown(shown) => leaf_hash(&shown.leaf),
        Content::Withheld { leaf_hash } => *leaf_hash,
    }
}

fn shown(entry: &mut ListEntry) -> &mut Shown {
    match &mut entry.content {
        Content::Shown(shown) => shown,
        Content::Withheld { .. } => panic!("withheld"),
    }
}

fn withhold(entries: &mut [ListEntry], at: usize) {
    let leaf_hash = leaf_hash(&shown(&mut entries[at]).leaf);
    entries[at].content = Content::Withheld { leaf_hash };
}

fn numbers(accesses: &[Access]) -> Vec<u64> {
    accesses.iter().map(|access| access.seq).collect()
}

#[test]
fn a_whole_list_verifies_down_to_number_one() {
    let list = Story::new(7).verify().unwrap();
    assert_eq!(list.audience, Audience::Person);
    assert_eq!(numbers(&list.accesses), [7, 6, 5, 4, 3, 2, 1]);
    let newest = list.accesses[0].record.as_ref().unwrap();
    assert_eq!(newest.leaf.kind, Kind::CitizenQuery);
    assert_eq!(
        (newest.detail.as_ref(), newest.subject.as_ref()),
        (Some(&fixture::detail()), Some(&fixture::subject()))
    );
}

#[test]
fn a_guardian_follows_their_own_links_only() {
    let mut story = Story::new(7);
    story.page.entries.truncate(5);
    let list = verify_chain(&[story.page.clone()], &fixture::vkey(), &GUARDIAN_TAG, &story.own).unwrap();
    assert_eq!((list.audience, numbers(&list.accesses)), (Audience::Guardian, vec![5, 4, 3, 2, 1]));
    let stranger = verify_chain(&[story.page], &fixture::vkey(), &[0x73; 32], &story.own);
    assert_eq!(stranger, Err(ListError::NoLink(Place::Newest)));
}

#[test]
fn pages_verify_one_by_one_and_a_cut_says_what_must_follow() {
    let story = Story::new(7);
    let (newer, older) = story.page.entries.split_at(3);
    let page = |entries: &[ListEntry]| ListPage { entries: entries.to_vec(), ..story.page.clone() };
    let mut walk = Walk::new(fixture::vkey(), TAG, story.own);
    assert_eq!(walk.cut(), None);
    assert_eq!(numbers(&walk.page(&page(newer)).unwrap()), [7, 6, 5]);
    assert_eq!(walk.cut(), Some(Cut { seq: 4, leaf_hash: Some(hash_at(&story.page, 3)) }));
    assert_eq!(numbers(&walk.page(&page(older)).unwrap()), [4, 3, 2, 1]);
    assert_eq!(walk.cut(), None);
    assert_eq!(walk.page(&page(older)), Err(ListError::BelowFirst));
    assert_eq!(walk.finish(), Ok(Audience::Person));
}

#[test]
fn i22_each_removed_entry_is_reported_by_its_number() {
    let story = Story::new(9);
    for at in 0..9 {
        let error = story.with(|entries| drop(entries.remove(at))).unwrap_err();
        let seq = 9 - at as u64;
        let expected =
            if at == 0 { ListError::NewestMissing } else { ListError::Missing { from: seq, to: seq } };
        assert_eq!(error, expected);
    }
}

#[test]
fn i22_a_cut_off_end_is_reported_on_either_side() {
    let story = Story::new(9);
    let error = story.with(|entries| entries.truncate(4)).unwrap_err();
    assert_eq!(error, ListError::Missing { from: 1, to: 5 });
    let error = story.with(|entries| drop(entries.drain(..4))).unwrap_err();
    assert_eq!(error, ListError::NewestMissing);
    assert_eq!(story.with(Vec::clear), Err(ListError::NewestMissing));
}

#[test]
fn i22_any_two_swapped_entries_are_reported() {
    let story = Story::new(7);
    for (a, b) in (0..7).flat_map(|a| (a + 1..7).map(move |b| (a, b))) {
        let error = story.with(|entries| entries.swap(a, b)).unwrap_err();
        let (newer, older) = (7 - a as u64, 7 - b as u64);
        let expected = match a {
            0 => ListError::NewestMissing,
            _ => ListError::Missing { from: older + 1, to: newer },
        };
        assert_eq!(error, expected, "{a} and {b}");
    }
}

#[test]
fn an_older_answer_does_not_pass_for_this_one() {
    // The list of an earlier call, complete in itself: only this call's receipt tells.
    let (old, new) = (Story::new(5), Story::new(6));
    let verdict = verify_chain(&[old.page], &fixture::vkey(), &TAG, &new.own);
    assert_eq!(verdict, Err(ListError::NewestMissing));
}

#[test]
fn the_newest_entry_must_be_a_look_at_the_log() {
    let mut story = Story::new(5);
    story.page.entries.remove(0);
    story.own = hash_at(&story.page, 0);
    assert_eq!(story.verify(), Err(ListError::NewestKind));
}

#[test]
fn another_entry_with_the_same_number_is_reported() {
    let story = Story::new(5);
    let error = story.with(|entries| {
        let forged = entry(3, Some([9; 32]), false);
        *shown(&mut entries[2]) = forged;
    });
    assert_eq!(error, Err(ListError::Replaced(Place::Seq(3))));
}

#[test]
fn a_repeated_entry_is_reported() {
    let story = Story::new(5);
    let error = story.with(|entries| entries.insert(2, entries[1].clone()));
    assert_eq!(error, Err(ListError::OutOfOrder { expected: 3, found: 4 }));
}

#[test]
fn a_withheld_entry_keeps_its_place_and_hides_no_other() {
    let story = Story::new(7);
    let list = story.with(|entries| withhold(entries, 3)).unwrap();
    assert_eq!(numbers(&list.accesses), [7, 6, 5, 4, 3, 2, 1]);
    assert!(list.accesses[3].record.is_none() && list.accesses[2].record.is_some());

    let another =
        |entries: &mut Vec<ListEntry>| entries[3].content = Content::Withheld { leaf_hash: [1; 32] };
    assert_eq!(story.with(another), Err(ListError::Replaced(Place::Seq(4))));
    let skips = |entries: &mut Vec<ListEntry>| {
        withhold(entries, 3);
        entries.remove(4);
    };
    assert_eq!(story.with(skips), Err(ListError::Missing { from: 3, to: 3 }));
    let newest = |entries: &mut Vec<ListEntry>| withhold(entries, 0);
    assert_eq!(story.with(newest), Err(ListError::NewestMissing));
    let too_many = |entries: &mut Vec<ListEntry>| {
        entries.push(entries[6].clone());
        withhold(entries, 7);
    };
    assert_eq!(story.with(too_many), Err(ListError::BelowFirst));
}

#[test]
fn a_list_may_end_with_a_withheld_entry() {
    let list = Story::new(4).with(|entries| withhold(entries, 3)).unwrap();
    assert_eq!(numbers(&list.accesses), [4, 3, 2, 1]);
}

#[test]
fn a_page_under_another_key_or_size_is_refused() {
    let story = Story::new(3);
    let mut page = story.page.clone();
    page.tree_size += 1;
    let verdict = verify_chain(&[page], &fixture::vkey(), &TAG, &story.own);
    assert_eq!(verdict, Err(ListError::TreeSize(Place::Newest)));
    let other = pmh_audit::SigningKey::from_seed(ORIGIN, &[8; 32]).unwrap();
    let verdict = verify_chain(&[story.page], other.verifier(), &TAG, &story.own);
    assert!(matches!(verdict, Err(ListError::Checkpoint { place: Place::Newest, .. })));
}

proptest! {
    #[test]
    fn i22_any_removal_and_any_order_but_the_true_one_is_reported(
        size in 1_u64..12,
        picks in proptest::collection::vec(any::<proptest::sample::Index>(), 0..12),
    ) {
        let story = Story::new(size);
        let all = story.page.entries.clone();
        let chosen: Vec<ListEntry> = picks.iter().map(|pick| pick.get(&all).clone()).collect();
        let verdict = story.with(|entries| *entries = chosen.clone());
        prop_assert_eq!(verdict.is_ok(), chosen == all);
    }

    #[test]
    fn i22_any_changed_byte_is_reported(
        at in 0_usize..4,
        field in 0_usize..8,
        byte in any::<proptest::sample::Index>(),
        bit in 0_u32..8,
    ) {
        let story = Story::new(4);
        let verdict = story.with(|entries| {
            let entry = &mut entries[at];
            let index = entry.index;
            match field {
                0 => flip(&mut shown(entry).leaf, byte, bit),
                1 => flip_salt(&mut shown(entry).chain, byte, bit),
                2 => flip(&mut shown(entry).chain.body, byte, bit),
                3 => flip_salt(shown(entry).detail.as_mut().unwrap(), byte, bit),
                4 => flip(&mut shown(entry).detail.as_mut().unwrap().body, byte, bit),
                5 => flip_salt(shown(entry).subject.as_mut().unwrap(), byte, bit),
                6 => flip(entry.path.as_flattened_mut(), byte, bit),
                _ => entry.index = index ^ (1 << bit),
            }
        });
        prop_assert!(verdict.is_err());
    }
}

fn flip(bytes: &mut [u8], at: proptest::sample::Index, bit: u32) {
    bytes[at.index(bytes.len())] ^= 1 << bit;
}

fn flip_salt(opening: &mut Opening, at: proptest::sample::Index, bit: u32) {
    let mut salt = *opening.salt.as_bytes();
    flip(&mut salt, at, bit);
    opening.salt = salt.into();
}
