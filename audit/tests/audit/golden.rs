//! The byte formats do not change: fixed inputs encode to the committed files, and the files decode to the inputs.
//!
//! There is no way to regenerate the files. Whoever has to change one is breaking every receipt ever given.

use pmh_audit::{ActorBody, ChainBody, DetailBody, Leaf, Opening, Receipt, SubjectBody};

use crate::fixture;
use crate::support::{hex, path, unhex};

#[test]
fn leaf() {
    assert_golden("leaf.hex", &fixture::leaf().encode());
    assert_eq!(Leaf::decode(&golden("leaf.hex")), Ok(fixture::leaf()));
}

#[test]
fn subject() {
    assert_golden("subject.hex", &fixture::subject().encode());
    assert_eq!(SubjectBody::decode(&golden("subject.hex")), Ok(fixture::subject()));
}

#[test]
fn chain() {
    assert_golden("chain.hex", &fixture::chain().encode());
    assert_eq!(ChainBody::decode(&golden("chain.hex")), Ok(fixture::chain()));
}

#[test]
fn actor() {
    assert_golden("actor.hex", &fixture::actor().encode());
    assert_eq!(ActorBody::decode(&golden("actor.hex")), Ok(fixture::actor()));
}

#[test]
fn detail() {
    assert_golden("detail.hex", &fixture::detail().encode());
    assert_eq!(DetailBody::decode(&golden("detail.hex")), Ok(fixture::detail()));
}

#[test]
fn receipt_as_protobuf() {
    assert_golden("receipt.hex", &protobuf(&fixture::receipt()));
}

#[test]
fn receipt_as_tlog_proof() {
    let file = path("golden/receipt.tlog-proof");
    assert_eq!(fixture::receipt().to_tlog_proof(), std::fs::read_to_string(file).unwrap());
}

/// `pmh.audit.v1.Receipt` in field order, written by hand so that this crate needs no protobuf.
fn protobuf(receipt: &Receipt) -> Vec<u8> {
    let opening =
        |opening: &Opening| [delimited(1, opening.salt.as_bytes()), delimited(2, &opening.body)].concat();
    let mut out = delimited(1, &receipt.leaf);
    out.extend([varint(2 << 3), varint(receipt.index), varint(3 << 3), varint(receipt.tree_size)].concat());
    for hash in &receipt.path {
        out.extend(delimited(4, hash));
    }
    out.extend(delimited(5, receipt.checkpoint.as_bytes()));
    out.extend(delimited(6, &opening(&receipt.detail)));
    out.extend(receipt.subject.iter().flat_map(|subject| delimited(7, &opening(subject))));
    out
}

fn delimited(field: u64, bytes: &[u8]) -> Vec<u8> {
    [varint(field << 3 | 2), varint(bytes.len() as u64), bytes.to_vec()].concat()
}

fn varint(mut value: u64) -> Vec<u8> {
    let mut out = Vec::new();
    while value >= 0x80 {
        out.push(value.to_le_bytes()[0] | 0x80);
        value >>= 7;
    }
    out.push(value.to_le_bytes()[0]);
    out
}

fn golden(name: &str) -> Vec<u8> {
    let text = std::fs::read_to_string(path("golden").join(name)).unwrap();
    unhex(&text.split_whitespace().collect::<String>())
}

fn assert_golden(name: &str, bytes: &[u8]) {
    assert_eq!(hex(bytes), hex(&golden(name)), "{name}");
}
