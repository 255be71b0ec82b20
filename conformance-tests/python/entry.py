"""Entries of the log: the leaf (format 1) and the parts of it that a receipt opens. Tables: audit/README.md."""

import hashlib
import hmac
import re
import struct
from dataclasses import dataclass


class EntryError(Exception):
    """The bytes are not what the encoder writes."""


@dataclass(frozen=True)
class Leaf:
    kind: int
    time_us: int
    event_id: bytes
    method: int
    purpose: int
    outcome: int
    categories: int
    holder: str
    requester: str
    refs: tuple[tuple[bytes, bytes], ...]
    subject: bytes
    chain: bytes
    actor: bytes
    detail: bytes

    @classmethod
    def decode(cls, data: bytes) -> "Leaf":
        read = _Reader(data)
        head = (*read.numbers(">BQ"), read.bytes(16), *read.numbers(">HHHI"))
        parties = (read.organization(), read.organization())
        (count,) = read.numbers(">B")
        if count > 4:
            raise EntryError("more than four references")
        refs = tuple((read.bytes(32), read.bytes(32)) for _ in range(count))
        leaf = cls(*head, *parties, refs, *(read.bytes(32) for _ in range(4)))
        read.end()
        return leaf


@dataclass(frozen=True)
class GroupOutcome:
    issuer: str
    group: str
    outcome: int


@dataclass(frozen=True)
class Detail:
    """What was asked and answered."""

    request_sha256: bytes
    response_sha256: bytes
    consent: str
    outcomes: tuple[GroupOutcome, ...]
    row_count: int
    rows_root: bytes

    @classmethod
    def decode(cls, body: bytes) -> "Detail":
        read = _Reader(body)
        request, response, consent = read.bytes(32), read.bytes(32), read.text()
        (count,) = read.numbers(">H")
        outcomes = tuple(GroupOutcome(read.organization(), read.text(), *read.numbers(">H")) for _ in range(count))
        detail = cls(request, response, consent, outcomes, *read.numbers(">I"), read.bytes(32))
        read.end()
        if (detail.row_count == 0) != (detail.rows_root == bytes(32)):
            raise EntryError("rows without root or root without rows")
        return detail


def decode_subject(body: bytes) -> str:
    """The pairwise subject that the requester knows."""
    read = _Reader(body)
    (length,) = read.numbers(">H")
    sub = read.bytes(length)
    read.end()
    if not sub or not all(0x21 <= byte <= 0x7E for byte in sub):
        raise EntryError("not visible ASCII")
    return sub.decode("ascii")


def opens(commitment: bytes, part: str, salt: bytes, body: bytes) -> bool:
    """Whether salt and body open the leaf's commitment to the part of this name."""
    message = b"pmh.audit.v1\x00" + part.encode() + b"\x00" + body
    return len(salt) == 32 and hmac.compare_digest(hmac.digest(salt, message, hashlib.sha256), commitment)


class _Reader:
    """Big-endian fields in order; each value begins with its version, 1, and nothing may be left over."""

    def __init__(self, data: bytes):
        self._data, self._at = data, 0
        if self.bytes(1) != b"\x01":
            raise EntryError("unknown version")

    def bytes(self, count: int) -> bytes:
        taken = self._data[self._at : self._at + count]
        if len(taken) != count:
            raise EntryError("the input ends inside a field")
        self._at += count
        return taken

    def numbers(self, layout: str) -> tuple[int, ...]:
        return struct.unpack(layout, self.bytes(struct.calcsize(layout)))

    def text(self) -> str:
        try:
            text = self.bytes(*self.numbers(">B")).decode("utf-8")
        except UnicodeDecodeError:
            raise EntryError("not UTF-8") from None
        if any(character < " " or "\x7f" <= character <= "\x9f" for character in text):
            raise EntryError("control character")
        return text

    def organization(self) -> str:
        """`<kind>:<code>`, or empty."""
        text = self.text()
        if text and (len(text) > 32 or not _ORGANIZATION.fullmatch(text)):
            raise EntryError("not <kind>:<code>")
        return text

    def end(self) -> None:
        if self._at != len(self._data):
            raise EntryError("bytes are left over")


_ORGANIZATION = re.compile(r"[a-z0-9._-]+:[a-z0-9:._-]+", re.ASCII)
