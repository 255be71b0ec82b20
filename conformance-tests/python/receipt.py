"""Offline verification of a receipt, from the written format alone.

Nothing here speaks to a gateway or shares code with it. What the caller alone can know (that the requester is itself,
that the subject is that of its token) is compared through the arguments of `verify_answer`.
"""

import hashlib
from dataclasses import dataclass

from entry import Detail, EntryError, Leaf, decode_subject, opens
from merkle import is_included, leaf_hash
from note import Checkpoint, NoteError, VerifierKey, open_checkpoint


class ReceiptError(Exception):
    """The answer is not proved; the message names the first thing that failed."""


@dataclass(frozen=True)
class Verified:
    """What a receipt proved."""

    leaf: Leaf
    index: int
    checkpoint: Checkpoint
    detail: Detail
    subject: str | None


def verify_answer(request, response, key: VerifierKey, *, requester=None, subject=None, method=None) -> Verified:
    """Verifies that this response to this request was recorded before it left.

    `request` and `response` are protobuf messages, the response with its receipt. `requester` is `<kind>:<code>`,
    `subject` the token's `sub`, `method` the registry number; each is compared if given.
    """
    if not response.HasField("receipt"):
        raise ReceiptError("receipt: there is none")
    verified = verify(response.receipt, key, digest(request), digest(_without_receipt(response)))
    _expect("requester", requester, verified.leaf.requester)
    _expect("method", method, verified.leaf.method)
    _expect("subject", subject, verified.subject)
    return verified


def verify(receipt, key: VerifierKey, request_sha256: bytes, response_sha256: bytes) -> Verified:
    """Checks everything that a `pmh.audit.v1.Receipt` claims about the two digests."""
    leaf = _decoded("leaf", Leaf.decode, receipt.leaf)
    checkpoint = _checkpoint(receipt, key)
    path = list(receipt.path)
    if not is_included(receipt.index, receipt.tree_size, leaf_hash(receipt.leaf), path, checkpoint.root):
        raise ReceiptError("tree path: it does not lead from the leaf to the root")
    if not opens(leaf.detail, "detail", receipt.detail.salt, receipt.detail.body):
        raise ReceiptError("detail opening: it does not fit the leaf")
    detail = _decoded("detail body", Detail.decode, receipt.detail.body)
    _expect("request digest", request_sha256, detail.request_sha256)
    _expect("response digest", response_sha256, detail.response_sha256)
    # Only a citizen's own list opens it (`pmh.audit.v1.Receipt.chain`).
    if receipt.HasField("chain") and not opens(leaf.chain, "chain", receipt.chain.salt, receipt.chain.body):
        raise ReceiptError("chain opening: it does not fit the leaf")
    return Verified(leaf, receipt.index, checkpoint, detail, _subject(receipt, leaf))


def digest(message) -> bytes:
    """SHA-256 of a message in field order. The contract's messages have no maps, so this is one encoding."""
    return hashlib.sha256(message.SerializeToString(deterministic=True)).digest()


def _without_receipt(response):
    bare = type(response)()
    bare.CopyFrom(response)
    bare.ClearField("receipt")
    return bare


def _checkpoint(receipt, key: VerifierKey) -> Checkpoint:
    try:
        checkpoint = open_checkpoint(receipt.checkpoint, key)
    except NoteError as error:
        raise ReceiptError(str(error)) from None
    _expect("tree size", receipt.tree_size, checkpoint.size)
    return checkpoint


def _subject(receipt, leaf: Leaf) -> str | None:
    if not receipt.HasField("subject"):
        return None
    if not opens(leaf.subject, "subject", receipt.subject.salt, receipt.subject.body):
        raise ReceiptError("subject opening: it does not fit the leaf")
    # The empty body is how an entry about no person is committed.
    return _decoded("subject body", decode_subject, receipt.subject.body) if receipt.subject.body else None


def _decoded(what: str, decode, data: bytes):
    try:
        return decode(data)
    except EntryError as error:
        raise ReceiptError(f"{what}: {error}") from None


def _expect(what: str, expected, found) -> None:
    if expected is not None and expected != found:
        raise ReceiptError(f"{what}: the entry records another one")
