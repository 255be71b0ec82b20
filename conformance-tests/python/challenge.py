"""The text that a card signs, read and compared by the terminal before the card sees it.

ASCII `PMH-CARD-PRESENTATION-v1`, NUL, then twelve fields (1 tag, 2 length, value), big-endian, tags ascending:
01 issuer URL · 02 presentation id (16) · 03 nonce (32) · 04 organization URN · 05 SHA-256 of the client certificate ·
06 terminal id · 07 purposes, sorted, joined by spaces · 08 SHA-256 of the scopes, likewise · 09 SHA-256 of the consent
dialogue · 0A issued at · 0B expires at (8 each, Unix seconds) · 0C wanted verification (1).

A card signs whatever its reader hands over. Only this comparison keeps a gateway from having it sign another's text.
"""

import hashlib
import struct
from dataclasses import dataclass

PREFIX = b"PMH-CARD-PRESENTATION-v1\x00"
LIFETIME = 120
# Reception computers' clocks are worse than servers'; the gateway's own check is strict.
CLOCK_SKEW = 60


class ChallengeError(Exception):
    """The card must not sign this text; the message names the field."""


@dataclass(frozen=True)
class Expected:
    """What the terminal asked for and shows to the holder. `issuer` None: any, compared with the token later."""

    organization: str
    thumbprint: bytes
    terminal: str
    purposes: tuple[str, ...]
    scopes: tuple[str, ...]
    consent_text_sha256: bytes
    consent_groups: tuple[str, ...]
    wanted: int
    issuer: str | None = None


def check(to_be_signed: bytes, expected: Expected, now: int) -> str:
    """Compares the text with what was asked; gives the issuer that it names."""
    fields = _fields(to_be_signed)
    compared = {
        4: expected.organization.encode(),
        5: expected.thumbprint,
        6: expected.terminal.encode(),
        7: _joined(expected.purposes),
        8: hashlib.sha256(_joined(expected.scopes)).digest(),
        9: consent_digest(expected.consent_text_sha256, expected.consent_groups),
        12: bytes([expected.wanted]),
    }
    if expected.issuer is not None:
        compared[1] = expected.issuer.encode()
    for tag, value in compared.items():
        if fields[tag] != value:
            raise ChallengeError(f"field {tag:02X} is not what was asked for")
    _check_times(fields, now)
    return fields[1].decode()


def consent_digest(text_sha256: bytes, groups: tuple[str, ...]) -> bytes:
    """SHA-256 over the digest of the text shown, then the sorted groups offered, each behind its 4-byte length."""
    items = sorted(group.encode() for group in groups)
    framed = b"".join(struct.pack(">I", len(item)) + item for item in items)
    return hashlib.sha256(text_sha256 + framed).digest()


def _fields(text: bytes) -> dict[int, bytes]:
    if not text.startswith(PREFIX):
        raise ChallengeError("not a card presentation")
    fields, at = {}, len(PREFIX)
    for expected_tag in range(1, 13):
        head = text[at : at + 3]
        if len(head) != 3:
            raise ChallengeError("the text ends early")
        tag, length = struct.unpack(">BH", head)
        value = text[at + 3 : at + 3 + length]
        if tag != expected_tag or len(value) != length or length != _LENGTHS.get(tag, length):
            raise ChallengeError(f"field {expected_tag:02X} is missing or malformed")
        fields[tag] = value
        at += 3 + length
    if at != len(text):
        raise ChallengeError("bytes are left over")
    return fields


def _check_times(fields: dict[int, bytes], now: int) -> None:
    issued, expires = (int.from_bytes(fields[tag], "big", signed=True) for tag in (10, 11))
    current = issued - CLOCK_SKEW <= now < expires + CLOCK_SKEW
    if not current or not 1 <= expires - issued <= LIFETIME:
        raise ChallengeError("the text is not current")


def _joined(words: tuple[str, ...]) -> bytes:
    return " ".join(sorted(words)).encode()


_LENGTHS = {2: 16, 3: 32, 5: 32, 8: 32, 9: 32, 10: 8, 11: 8, 12: 1}
