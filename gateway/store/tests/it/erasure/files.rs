//! What is left in tables and files, byte for byte; and what everybody else can still prove.

use std::{
    collections::{BTreeSet, HashMap},
    path::PathBuf,
};

use pmh_audit::{Receipt, tree::root_of};
use pmh_store::{Location, SubjectRef, ToErase};
use tokio::task::JoinSet;

use super::{erase, indexes, leaf_at};
use crate::support::*;

/// Secrets that the database held of one person: sealed parts, the wrapped key, and the salts and bodies themselves.
struct Secrets {
    sealed: Vec<Vec<u8>>,
    clear: Vec<Vec<u8>>,
}

/// Nothing of an erased person is in any file of the database: neither sealed nor in the clear, neither in the tables nor
/// in pages that were once theirs nor in the write-ahead log. The control: before the erasure it is found.
#[test]
fn i19_no_byte_of_an_erased_person_stays_in_a_file() {
    on_sqlite(async |place| {
        let open = place.open().await;
        let people: Vec<SubjectRef> = (0..scaled(60, 600)).map(|_| anybody()).collect();
        let receipts = visits(&open, &people, scaled(900, 20_000)).await;
        let erased = [people[3], people[17]];
        let mut secrets = Vec::new();
        for person in erased {
            secrets.push(secrets_of(&place, &open, &receipts, person).await);
        }
        let (_, entry) = receipts.iter().find(|(person, _)| *person == people[5]).unwrap();
        let one = sealed_parts(&place, entry.index).await;
        let sealed = || secrets.iter().flat_map(|secrets| &secrets.sealed).chain([&one]);
        assert_eq!(found(&files(&place), sealed()), sealed().count(), "the control finds what is there");
        for person in erased {
            let (erasing, _) = erase(&open, ToErase::Person(person)).await;
            assert!(!indexes(&erasing).is_empty());
        }
        assert_eq!(indexes(&erase(&open, ToErase::Entry(entry.index)).await.0), [entry.index]);
        assert!(open.clean_files(attempt()).await.unwrap());

        let clear = secrets.iter().flat_map(|secrets| &secrets.clear);
        assert_eq!(found(&files(&place), sealed().chain(clear)), 0);
        for (person, receipt) in &receipts {
            verify(receipt);
            let is_erased = erased.contains(person) || receipt.index == entry.index;
            assert_eq!(open.reader().openings(receipt.index).await.unwrap().is_none(), is_erased);
        }
        open.close().await;
    });
}

/// A crash after the erasure was committed and before the files were cleaned: the next start knows, and cleans.
#[test]
fn i19_files_are_cleaned_after_a_crash_between_commit_and_cleaning() {
    on_sqlite(async |place| {
        let open = place.open().await;
        let people: Vec<SubjectRef> = (0..8).map(|_| anybody()).collect();
        let receipts = visits(&open, &people, 100).await;
        let secrets = secrets_of(&place, &open, &receipts, people[0]).await;
        erase(&open, ToErase::Person(people[0])).await;
        // As killed there: the files as they are, opened somewhere else.
        let after = tempfile::tempdir().unwrap();
        for file in files(&place) {
            std::fs::copy(&file, after.path().join(file.file_name().unwrap())).unwrap();
        }
        open.close().await;
        let copied = Place::at(Location::Sqlite(after.path().join("gateway.db")), None, None);
        assert_ne!(found(&files(&copied), &secrets.sealed), 0, "nothing to clean");
        let open = copied.open().await;
        assert!(open.clean_files(attempt()).await.unwrap());
        assert_eq!(found(&files(&copied), secrets.sealed.iter().chain(&secrets.clear)), 0);
        let left = copied.raw().await.count("SELECT COUNT(*) FROM erasure_trace").await;
        assert_eq!(left, 0);
        open.close().await;
    });
}

/// Receipts, roots and proofs of before an erasure, and of after it, are those of the same tree.
pub(crate) async fn i08_receipts_roots_and_proofs_survive_erasure(place: Place) {
    let open = place.open().await;
    let people: Vec<SubjectRef> = (0..5).map(|_| anybody()).collect();
    let mut receipts = visits(&open, &people, 120).await;
    let size = open.reader().head().await.unwrap().0;
    let root = open.reader().root_at(size).await.unwrap();
    let path = open.reader().inclusion_path(7, size).await.unwrap();
    let mut leaves = Vec::new();
    for index in 0..size {
        leaves.push(leaf_at(&open, index).await);
    }
    erase(&open, ToErase::Person(people[0])).await;
    assert!(open.clean_files(attempt()).await.unwrap());
    receipts.extend(visits(&open, &people, 30).await);
    for (_, receipt) in &receipts {
        verify(receipt);
    }
    for (index, leaf) in (0..).zip(&leaves) {
        assert_eq!(leaf_at(&open, index).await, *leaf);
    }
    assert_eq!(open.reader().root_at(size).await.unwrap(), root);
    assert_eq!(open.reader().inclusion_path(7, size).await.unwrap(), path);
    let now = open.reader().head().await.unwrap();
    let hashes = open.reader().leaf_hashes(0..now.0).await.unwrap();
    assert_eq!(root_of(&hashes), now.1);
    assert_eq!(open.reader().check().await.unwrap().defect, None, "fsck finds a whole log");
    open.close().await;
}

async fn visits(open: &Open, people: &[SubjectRef], count: usize) -> Vec<(SubjectRef, Receipt)> {
    let mut done = Vec::new();
    while done.len() < count {
        // Several batches, so that rows of one person lie in pages of many.
        let mut writing = JoinSet::new();
        for number in done.len()..count.min(done.len() + 50) {
            let (store, person) = (open.store.clone(), people[number % people.len()]);
            writing.spawn(async move { (person, disclose(&store, person).await.unwrap().1) });
        }
        done.extend(writing.join_all().await);
    }
    done
}

async fn secrets_of(
    place: &Place,
    open: &Open,
    receipts: &[(SubjectRef, Receipt)],
    person: SubjectRef,
) -> Secrets {
    let (mut sealed, mut clear) = (Vec::new(), Vec::new());
    for (_, receipt) in receipts.iter().filter(|(about, _)| *about == person) {
        sealed.push(sealed_parts(place, receipt.index).await);
        for opening in open.reader().openings(receipt.index).await.unwrap().unwrap() {
            clear.push(opening.salt.as_bytes().to_vec());
            // The actor of these entries is nobody: its body says nothing of anybody.
            clear.extend((opening.body.len() > 150).then_some(opening.body));
        }
    }
    let index = receipts.iter().find(|(about, _)| *about == person).unwrap().1.index;
    let sql = format!(
        "SELECT hex(k.wrapped_key) FROM subject_key k JOIN audit_part p ON p.key_id = k.key_id WHERE p.idx = {index}"
    );
    sealed.push(bytes(&place.raw().await.texts(&sql).await[0]));
    Secrets { sealed, clear }
}

async fn sealed_parts(place: &Place, index: u64) -> Vec<u8> {
    bytes(
        &place.raw().await.texts(&format!("SELECT hex(parts) FROM audit_part WHERE idx = {index}")).await[0],
    )
}

fn bytes(hex: &str) -> Vec<u8> {
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect()
}

fn files(place: &Place) -> Vec<PathBuf> {
    let Location::Sqlite(path) = &place.location else { panic!("no files") };
    std::fs::read_dir(path.parent().unwrap()).unwrap().map(|file| file.unwrap().path()).collect()
}

/// How many of the secrets are in the files, wholly or in part: a row may be cut in two by a page, so three pieces of
/// each are looked for, in one pass over every byte.
fn found<'a>(files: &[PathBuf], secrets: impl IntoIterator<Item = &'a Vec<u8>>) -> usize {
    let mut pieces: HashMap<[u8; PIECE], Vec<usize>> = HashMap::new();
    for (number, secret) in secrets.into_iter().enumerate() {
        for at in [0, (secret.len() - PIECE) / 2, secret.len() - PIECE] {
            pieces.entry(secret[at..at + PIECE].try_into().unwrap()).or_default().push(number);
        }
    }
    let mut found = BTreeSet::new();
    for file in files {
        for window in std::fs::read(file).unwrap().windows(PIECE) {
            found.extend(pieces.get(window).into_iter().flatten().copied());
        }
    }
    found.len()
}

const PIECE: usize = 16;

fn anybody() -> SubjectRef {
    let mut reference = [0; 32];
    random(&mut reference);
    reference
}
