//! The program `pmh-audit`, run as a stranger runs it: files in, words and an exit code out.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use pmh_audit::note::Secret;
use pmh_audit::tree::consistency_path;
use pmh_audit::{AccessList, CosigningKey, SigningKey};
use proptest::prelude::*;
use serde_json::Value;
use tempfile::TempDir;

use crate::directory::Log;
use crate::fixture;
use crate::list::Story;
use crate::support::path;

/// Exit code and what was printed.
fn run(args: &[&str]) -> (i32, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_pmh-audit")).args(args).output().unwrap();
    let text = [output.stdout, output.stderr].concat();
    (output.status.code().unwrap(), String::from_utf8(text).unwrap())
}

/// With the log's key.
fn check(args: &[&str]) -> (i32, String) {
    run(&[args, &["--vkey", &fixture::vkey().to_string()]].concat())
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// An exported log of 700 entries with a checkpoint before each hundredth, on disk.
struct Exported {
    dir: TempDir,
    log: Log,
}

impl Exported {
    fn new() -> Self {
        let (dir, log) = (TempDir::new().unwrap(), Log::new(700, 100));
        let write = |path: &str, bytes: &[u8]| {
            let path = dir.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, bytes).unwrap();
        };
        for (path, bytes) in &log.files {
            write(&path.to_string(), bytes);
        }
        for old in &log.earlier {
            write(&format!("checkpoints/{}", old.size()), old.sign(&fixture::key()).unwrap().as_bytes());
        }
        write("checkpoint", log.checkpoint.sign(&fixture::key()).unwrap().as_bytes());
        Self { dir, log }
    }

    fn file(&self, path: &str) -> PathBuf {
        self.dir.path().join(path)
    }

    fn check(&self, more: &[&str]) -> (i32, String) {
        check(&[&["directory", text(self.dir.path())], more].concat())
    }
}

#[test]
fn an_exported_log_is_verified_with_all_its_earlier_checkpoints() {
    let exported = Exported::new();
    let (code, words) = exported.check(&[]);
    assert_eq!(code, 0, "{words}");
    assert!(words.starts_with("VERIFIED: the directory is the whole log"), "{words}");
    assert!(
        words.contains("earlier checkpoints  7\n") && words.contains("entries              700\n"),
        "{words}"
    );

    let (code, json) = exported.check(&["--json"]);
    let json: Value = serde_json::from_str(&json).unwrap();
    assert_eq!((code, &json["verified"], &json["facts"]["size"]), (0, &true.into(), &700.into()));
}

#[test]
fn one_flipped_byte_in_any_file_is_found_and_its_file_named() {
    let exported = Exported::new();
    let files = exported.log.files.keys().map(ToString::to_string);
    let checkpoints = exported.log.earlier.iter().map(|old| format!("checkpoints/{}", old.size()));
    for name in files.chain(checkpoints).chain(["checkpoint".to_owned()]) {
        let file = exported.file(&name);
        let good = fs::read(&file).unwrap();
        for at in [0, good.len() / 2, good.len() - 1] {
            let mut bad = good.clone();
            bad[at] ^= 1;
            fs::write(&file, &bad).unwrap();
            let (code, words) = exported.check(&[]);
            assert!(code == 1 && words.contains(&format!("! {name}: ")), "{name} byte {at}: {words}");
        }
        fs::write(&file, good).unwrap();
    }
    assert_eq!(exported.check(&[]).0, 0);
}

#[test]
fn missing_and_foreign_files_are_named() {
    let exported = Exported::new();
    for name in ["tile/0/001", "tile/entries/002.p/188", "tile/1/000.p/2", "checkpoint"] {
        let good = fs::read(exported.file(name)).unwrap();
        fs::remove_file(exported.file(name)).unwrap();
        let (code, words) = exported.check(&[]);
        assert!(code == 1 && words.contains(&format!("! {name}: the file is missing")), "{words}");
        fs::write(exported.file(name), good).unwrap();
    }
    for name in ["notes.txt", "tile/0/002", "tile/0/003", "tile/entries/002.p/187", "tile/2/000.p/1"] {
        let file = exported.file(name);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(&file, []).unwrap();
        let (code, words) = exported.check(&[]);
        assert!(code == 1 && words.contains(&format!("! {name}: it is no part of a log")), "{words}");
        fs::remove_file(file).unwrap();
    }
}

#[test]
fn an_older_checkpoint_that_somebody_kept_contradicts_a_rewritten_log() {
    let exported = Exported::new();
    let elsewhere = TempDir::new().unwrap();
    let kept = elsewhere.path().join("kept");
    let keep = |log: &Log| fs::write(&kept, log.checkpoint.sign(&fixture::key()).unwrap()).unwrap();
    keep(&Log::new(500, 100));
    assert_eq!(exported.check(&["--old-checkpoint", text(&kept)]).0, 0);
    let mut other = Log::new(500, 100);
    other.checkpoint = pmh_audit::Checkpoint::new(fixture::ORIGIN, 500, [1; 32]).unwrap();
    keep(&other);
    let (code, words) = exported.check(&["--old-checkpoint", text(&kept)]);
    assert!(code == 1 && words.contains("earlier checkpoint of size 500"), "{words}");
    keep(&Log::new(701, 100));
    let (code, words) = exported.check(&["--old-checkpoint", text(&kept)]);
    assert!(code == 1 && words.contains("size 701 is not earlier"), "{words}");
}

#[test]
fn a_receipt_is_verified_by_the_key_of_its_log_only() {
    let golden = path("golden/receipt.tlog-proof");
    let (code, words) = check(&["receipt", text(&golden)]);
    assert_eq!(code, 0, "{words}");
    for said in
        ["VERIFIED", "clinic:1310000001", "VerifyEligibility", "2026-04-01 09:00:00 (Tokyo)", "HPAYMT"]
    {
        assert!(words.contains(said), "{said}: {words}");
    }
    let other = SigningKey::from_seed(fixture::ORIGIN, &[8; 32]).unwrap();
    let (code, words) = run(&["receipt", text(&golden), "--vkey", &other.verifier().to_string()]);
    assert!(code == 1 && words.starts_with("NOT VERIFIED"), "{words}");
    let (code, words) = check(&["receipt", text(&path("golden/leaf.hex"))]);
    assert!(code == 1 && words.contains("tlog-proof"), "{words}");
}

#[test]
fn what_cannot_be_asked_is_no_verdict() {
    assert_eq!(check(&["receipt", "/nonexistent/receipt"]).0, 2);
    let golden = path("golden/receipt.tlog-proof");
    assert_eq!(run(&["receipt", text(&golden), "--vkey", "no key"]).0, 2);
    assert_eq!(run(&["receipt", text(&golden)]).0, 2);
    let (code, words) = check(&["receipt", text(&golden), "--policy", text(&golden)]);
    assert!(code == 2 && words.contains("line 1 of the policy"), "{words}");
}

#[test]
fn a_checkpoint_is_judged_by_its_witnesses() {
    let dir = TempDir::new().unwrap();
    let (file, policy) = (dir.path().join("checkpoint"), dir.path().join("policy"));
    let witnesses: Vec<CosigningKey> =
        (1..=3_u8).map(|i| Secret::from_seed(&format!("witness.example/{i}"), &[i; 32]).unwrap()).collect();
    let lines: Vec<String> =
        (0..).zip(&witnesses).map(|(i, one)| format!("witness w{i} {}", one.verifier())).collect();
    fs::write(&policy, format!("{}\ngroup two 2 w0 w1 w2\nquorum two\n", lines.join("\n"))).unwrap();
    let checkpoint = Log::new(5, 5).checkpoint;
    let mut note = checkpoint.sign(&fixture::key()).unwrap();
    for (cosigned, expected) in [(0, 1), (1, 1), (2, 0), (3, 0)] {
        fs::write(&file, &note).unwrap();
        let (code, words) = check(&["checkpoint", text(&file), "--policy", text(&policy)]);
        assert_eq!(code, expected, "{cosigned}: {words}");
        assert_eq!(check(&["checkpoint", text(&file)]).0, 0);
        if let Some(witness) = witnesses.get(cosigned) {
            note += &witness.cosign(&checkpoint.text(), 1_775_001_600).unwrap();
        }
    }
    let (_, words) = check(&["checkpoint", text(&file), "--policy", text(&policy)]);
    assert!(words.contains("witness.example/3 at 2026-04-01 09:00:00 (Tokyo)"), "{words}");
}

#[test]
fn two_checkpoints_are_compared_by_a_proof_or_by_the_tiles() {
    let exported = Exported::new();
    let (old, new) = (exported.file("checkpoints/300"), exported.file("checkpoints/600"));
    let compare =
        |old: &Path, new: &Path, how: &[&str]| check(&[&["consistency", text(old), text(new)], how].concat());
    let by_tiles = ["--dir", text(exported.dir.path())];
    assert_eq!(compare(&old, &new, &by_tiles).0, 0);
    assert_eq!(compare(&exported.file("checkpoints/0"), &new, &by_tiles).0, 0);
    assert_eq!(compare(&new, &old, &by_tiles).0, 1);

    let proof = TempDir::new().unwrap();
    let file = proof.path().join("proof");
    let hashes: Vec<[u8; 32]> = (0..700_u64).map(|i| exported.log.leaf_hash(i)).collect();
    let path = consistency_path(300, 600, |range| {
        let range = usize::try_from(range.start).unwrap()..usize::try_from(range.end).unwrap();
        Ok::<_, ()>(hashes[range].to_vec())
    });
    let lines: Vec<String> = path.unwrap().iter().map(|hash| BASE64.encode(hash)).collect();
    fs::write(&file, lines.join("\n") + "\n").unwrap();
    assert_eq!(compare(&old, &new, &["--proof", text(&file)]).0, 0);
    fs::write(&file, lines[1..].join("\n") + "\n").unwrap();
    assert_eq!(compare(&old, &new, &["--proof", text(&file)]).0, 1);
    assert_eq!(compare(&old, &new, &[]).0, 2);
}

#[test]
fn a_list_is_verified_and_a_hole_in_it_is_named() {
    let dir = TempDir::new().unwrap();
    let file = dir.path().join("list.json");
    let mut list = Story::new(9).list();
    let write = |list: &AccessList| fs::write(&file, list.to_json().unwrap()).unwrap();
    write(&list);
    let (code, words) = check(&["list", text(&file)]);
    assert_eq!(code, 0, "{words}");
    assert!(words.contains("entries   9\n") && words.contains("citizen_query"), "{words}");
    let json: Value = serde_json::from_str(&check(&["list", text(&file), "--json"]).1).unwrap();
    assert_eq!(json["items"].as_array().unwrap().len(), 9);

    list.pages[0].entries.remove(4);
    write(&list);
    let (code, words) = check(&["list", text(&file)]);
    assert!(code == 1 && words.contains("the entries numbered 5 to 5 are missing"), "{words}");
}

#[test]
fn a_list_must_go_on_where_an_earlier_one_ended() {
    let dir = TempDir::new().unwrap();
    let (new, old) = (dir.path().join("new.json"), dir.path().join("old.json"));
    let compare = |list: &AccessList, earlier: &AccessList| {
        fs::write(&new, list.to_json().unwrap()).unwrap();
        fs::write(&old, earlier.to_json().unwrap()).unwrap();
        check(&["list", text(&new), "--earlier", text(&old)])
    };
    // The story of nine goes through that of nine; that of four is its own, with another fourth entry.
    let (four, nine) = (Story::new(4).list(), Story::new(9).list());
    assert_eq!(compare(&nine, &nine).0, 0);
    let (code, words) = compare(&nine, &four);
    assert!(code == 1 && words.contains("entry 4 is not the one that the earlier list had"), "{words}");
    let (code, words) = compare(&four, &nine);
    assert!(code == 1 && words.contains("entry 9"), "{words}");
}

proptest! {
    #[test]
    fn i22_a_list_file_is_read_back_and_any_changed_character_is_found(at in any::<prop::sample::Index>(), byte in b' '..=b'~') {
        let list = Story::new(4).list();
        let json = list.to_json().unwrap();
        prop_assert_eq!(&AccessList::from_json(json.as_bytes()).unwrap(), &list);
        let mut changed = json.into_bytes();
        let at = at.index(changed.len());
        changed[at] = byte;
        if let Ok(read) = AccessList::from_json(&changed) {
            prop_assert_eq!(read.verify(&fixture::vkey()).is_ok(), read == list);
        }
    }
}
