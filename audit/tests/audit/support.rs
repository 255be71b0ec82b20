//! Files and hexadecimal.

use std::path::{Path, PathBuf};

use pmh_audit::Hash;
use serde::de::DeserializeOwned;

pub(crate) fn path(relative: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(relative)
}

pub(crate) fn json<T: DeserializeOwned>(path: &Path) -> T {
    let text = std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

pub(crate) fn unhex(text: &str) -> Vec<u8> {
    assert!(text.len().is_multiple_of(2));
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
}

pub(crate) fn unhex_hash(text: &str) -> Hash {
    unhex(text).try_into().unwrap()
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}

/// Exhaustive where it is slow: only with `PMH_TEST_SCALE=full`.
pub(crate) fn full_scale() -> bool {
    std::env::var("PMH_TEST_SCALE").is_ok_and(|scale| scale == "full")
}
