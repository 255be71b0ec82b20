"""Inclusion in a Merkle tree, by the recursive definition of RFC 6962 section 2.1.1."""

import hashlib


def leaf_hash(leaf: bytes) -> bytes:
    return hashlib.sha256(b"\x00" + leaf).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()


def is_included(index: int, size: int, leaf: bytes, path: list[bytes], root: bytes) -> bool:
    """Whether the tree of this size and root holds the leaf hash at this index."""
    if not 0 <= index < size or any(len(sibling) != 32 for sibling in path):
        return False
    return _root(index, size, leaf, path) == root


def _root(index: int, size: int, leaf: bytes, path: list[bytes]) -> bytes | None:
    """The root that the path leads to; None if it has the wrong length."""
    if size == 1:
        return leaf if not path else None
    if not path:
        return None
    *below, sibling = path
    left_size = 1 << (size - 1).bit_length() - 1
    if index < left_size:
        left = _root(index, left_size, leaf, below)
        return left and node_hash(left, sibling)
    right = _root(index - left_size, size - left_size, leaf, below)
    return right and node_hash(sibling, right)
