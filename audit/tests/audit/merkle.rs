//! RFC 6962 vectors and the probes of transparency-dev/merkle.

use std::ops::Range;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use pmh_audit::tree::{
    consistency_path, empty_root, inclusion_path, leaf_hash, node_hash, root_of, verify_consistency,
    verify_inclusion,
};
use pmh_audit::{Frontier, Hash};
use serde::Deserialize;

use crate::support::{json, path, unhex, unhex_hash};

#[derive(Deserialize)]
struct Reference {
    empty_root: String,
    leaves_hex: Vec<String>,
    complete_node_hashes_by_level: Vec<Vec<String>>,
    root_by_size: Vec<String>,
    inclusion: Vec<ReferenceInclusion>,
    consistency: Vec<ReferenceConsistency>,
    real_ct_log_entry: RealEntry,
}

#[derive(Deserialize)]
struct ReferenceInclusion {
    leaf_index: u64,
    tree_size: u64,
    path: Vec<String>,
}

#[derive(Deserialize)]
struct ReferenceConsistency {
    size1: u64,
    size2: u64,
    path: Vec<String>,
}

#[derive(Deserialize)]
struct RealEntry {
    leaf_data_hex: String,
    leaf_hash: String,
    leaf_index: u64,
    tree_size: u64,
    root: String,
    path: Vec<String>,
}

fn reference() -> Reference {
    json(&path("vectors/rfc6962/rfc6962_tree_vectors.json"))
}

impl Reference {
    fn leaves(&self) -> Vec<Hash> {
        self.leaves_hex.iter().map(|leaf| leaf_hash(&unhex(leaf))).collect()
    }

    fn root(&self, size: u64) -> Hash {
        unhex_hash(&self.root_by_size[usize::try_from(size).unwrap()])
    }
}

fn hashes(path: &[String]) -> Vec<Hash> {
    path.iter().map(|hash| unhex_hash(hash)).collect()
}

fn source(leaves: &[Hash]) -> impl FnMut(Range<u64>) -> Result<Vec<Hash>, ()> {
    |range| Ok(leaves[usize::try_from(range.start).unwrap()..usize::try_from(range.end).unwrap()].to_vec())
}

#[test]
fn rfc6962_hashes_and_roots() {
    let vectors = reference();
    let leaves = vectors.leaves();
    assert_eq!(empty_root(), unhex_hash(&vectors.empty_root));
    assert_eq!(leaves, hashes(&vectors.complete_node_hashes_by_level[0]));
    for pair in vectors.complete_node_hashes_by_level.windows(2) {
        let (below, above) = (hashes(&pair[0]), hashes(&pair[1]));
        let parents: Vec<Hash> = below.chunks(2).map(|nodes| node_hash(&nodes[0], &nodes[1])).collect();
        assert_eq!(parents, above);
    }
    for size in 0..=leaves.len() {
        let root = vectors.root(size as u64);
        assert_eq!(root_of(&leaves[..size]), root);
        assert_eq!(Frontier::of(&leaves[..size]).root(), root);
    }
}

#[test]
fn rfc6962_paths_are_computed_and_verified() {
    let vectors = reference();
    let leaves = vectors.leaves();
    for case in &vectors.inclusion {
        let path = hashes(&case.path);
        assert_eq!(inclusion_path(case.leaf_index, case.tree_size, source(&leaves)), Ok(path.clone()));
        let leaf = &leaves[usize::try_from(case.leaf_index).unwrap()];
        let root = vectors.root(case.tree_size);
        assert_eq!(verify_inclusion(case.leaf_index, case.tree_size, leaf, &path, &root), Ok(()));
    }
    for case in &vectors.consistency {
        let path = hashes(&case.path);
        assert_eq!(consistency_path(case.size1, case.size2, source(&leaves)), Ok(path.clone()));
        let (old, new) = (vectors.root(case.size1), vectors.root(case.size2));
        assert_eq!(verify_consistency(case.size1, case.size2, &path, &old, &new), Ok(()));
    }
}

#[test]
fn a_real_ct_entry_verifies() {
    let entry = reference().real_ct_log_entry;
    let leaf = leaf_hash(&unhex(&entry.leaf_data_hex));
    assert_eq!(leaf, unhex_hash(&entry.leaf_hash));
    let (path, root) = (hashes(&entry.path), unhex_hash(&entry.root));
    assert_eq!(verify_inclusion(entry.leaf_index, entry.tree_size, &leaf, &path, &root), Ok(()));
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct InclusionProbe {
    leaf_idx: u64,
    tree_size: u64,
    root: String,
    leaf_hash: String,
    proof: Option<Vec<String>>,
    want_err: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ConsistencyProbe {
    size1: u64,
    size2: u64,
    root1: String,
    root2: String,
    proof: Option<Vec<String>>,
    want_err: bool,
}

#[test]
fn inclusion_probes_are_judged_as_upstream_says() {
    let probes = probes("inclusion");
    assert_eq!(probes.len(), 98);
    for file in probes {
        let probe: InclusionProbe = json(&file);
        let verdict = (|| {
            let (leaf, root) = (hash(&probe.leaf_hash)?, hash(&probe.root)?);
            verify_inclusion(probe.leaf_idx, probe.tree_size, &leaf, &proof(probe.proof)?, &root).ok()
        })();
        assert_eq!(verdict.is_none(), probe.want_err, "{}", file.display());
    }
}

#[test]
fn consistency_probes_are_judged_as_upstream_says() {
    let probes = probes("consistency");
    assert_eq!(probes.len(), 98);
    for file in probes {
        let probe: ConsistencyProbe = json(&file);
        let verdict = (|| {
            let (old, new) = (hash(&probe.root1)?, hash(&probe.root2)?);
            verify_consistency(probe.size1, probe.size2, &proof(probe.proof)?, &old, &new).ok()
        })();
        // Upstream compares these two texts as roots; a root is 32 bytes.
        let text_as_root = file.ends_with("additional/sizes-are-equal-one-and-proof-is-empty.json");
        assert_eq!(verdict.is_none(), probe.want_err || text_as_root, "{}", file.display());
    }
}

fn probes(kind: &str) -> Vec<PathBuf> {
    fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let entry = entry.unwrap().path();
            if entry.is_dir() { walk(&entry, found) } else { found.push(entry) }
        }
    }
    let mut found = Vec::new();
    walk(&path("vectors/transparency-dev-merkle/testdata").join(kind), &mut found);
    found
}

fn hash(base64: &str) -> Option<Hash> {
    BASE64.decode(base64).unwrap().try_into().ok()
}

fn proof(base64: Option<Vec<String>>) -> Option<Vec<Hash>> {
    base64.unwrap_or_default().iter().map(|element| hash(element)).collect()
}
