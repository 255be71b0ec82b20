"""C2SP signed notes with Ed25519, and the checkpoints written as such (signed-note v1.0, tlog-checkpoint v1.0).

Signatures are judged by the strict rule: canonical encodings, no point of small order, no cofactor. All honest
verifiers then agree on every note.
"""

import base64
import hashlib
import re
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey


class NoteError(Exception):
    """The note or the key is not to be believed; the message names the first thing that failed."""


@dataclass(frozen=True)
class VerifierKey:
    """Public key of a log: `<name>+<hex id>+<base64 of 01 and the key>`."""

    name: str
    key_id: bytes
    public: bytes

    @classmethod
    def parse(cls, vkey: str) -> "VerifierKey":
        # Base64 has plus signs of its own, names have none.
        parts = vkey.split("+", 2)
        if len(parts) != 3 or not _KEY_NAME.fullmatch(parts[0]):
            raise NoteError("verifier key: not written name+hex+base64")
        name, hex_id, encoded = parts
        algorithm_and_key = decode_base64(encoded)
        if len(algorithm_and_key) != 33 or algorithm_and_key[0] != _ED25519:
            raise NoteError("verifier key: not Ed25519")
        key_id = hashlib.sha256(name.encode() + b"\n" + algorithm_and_key).digest()[:4]
        if key_id.hex() != hex_id:
            raise NoteError("verifier key: the id does not belong to name and key")
        return cls(name, key_id, algorithm_and_key[1:])

    def __str__(self) -> str:
        encoded = base64.b64encode(bytes([_ED25519]) + self.public).decode()
        return f"{self.name}+{self.key_id.hex()}+{encoded}"

    def verifies(self, message: bytes, signature: bytes) -> bool:
        return verify_strict(self.public, message, signature)


@dataclass(frozen=True)
class Checkpoint:
    """What a log says about itself at one size."""

    origin: str
    size: int
    root: bytes


def open_checkpoint(note: str, key: VerifierKey) -> Checkpoint:
    """Verifies a note and reads its checkpoint. The origin must be the key's name."""
    lines = open_note(note, [key])[0].split("\n")
    if len(lines) != 4 or not lines[0] or not _SIZE.fullmatch(lines[1]) or int(lines[1]) >= 2**64:
        raise NoteError("checkpoint: not exactly origin, size and root")
    root = decode_base64(lines[2])
    if len(root) != 32:
        raise NoteError("checkpoint: the root has not 32 bytes")
    if lines[0] != key.name:
        raise NoteError("origin: the checkpoint is about another log")
    return Checkpoint(lines[0], int(lines[1]), root)


def open_note(note: str, known: list[VerifierKey]) -> tuple[str, list[str]]:
    """Text and signers of a note. All lines of known keys must be right, and there must be one."""
    text, lines = _split(note)
    signers = []
    for line in lines:
        name, key_id, signature = _signature_line(line)
        candidates = [key for key in known if (key.name, key.key_id) == (name, key_id)]
        if candidates and not any(key.verifies(text.encode(), signature) for key in candidates):
            raise NoteError("note signature: a known key did not make it")
        if candidates and name not in signers:
            signers.append(name)
    if not signers:
        raise NoteError("note signature: signed by none of the known keys")
    return text, signers


def verify_strict(public: bytes, message: bytes, signature: bytes) -> bool:
    """RFC 8032 without leniency. The library compares R byte for byte and refuses a scalar out of range."""
    if len(public) != 32 or len(signature) != 64 or not (_is_sound(public) and _is_sound(signature[:32])):
        return False
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
    except InvalidSignature:
        return False
    return True


def decode_base64(text: str) -> bytes:
    """Canonical base64: one text per value, unused bits zero."""
    try:
        decoded = base64.b64decode(text, validate=True)
    except ValueError:
        raise NoteError("base64: not valid") from None
    if base64.b64encode(decoded).decode() != text:
        raise NoteError("base64: not canonical")
    return decoded


def _split(note: str) -> tuple[str, list[str]]:
    if any(character < " " and character != "\n" for character in note):
        raise NoteError("note: control character")
    text, blank, signatures = note.rpartition("\n\n")
    if not blank or not signatures.endswith("\n"):
        raise NoteError("note: no text, blank line and signature lines")
    lines = signatures[:-1].split("\n")
    if len(lines) > _MAX_SIGNATURES:
        raise NoteError("note: too many signature lines")
    return text + "\n", lines


def _signature_line(line: str) -> tuple[str, bytes, bytes]:
    dash, _, rest = line.partition(" ")
    name, _, encoded = rest.partition(" ")
    if dash != "\u2014" or not _KEY_NAME.fullmatch(name):
        raise NoteError("note: not a signature line")
    decoded = decode_base64(encoded)
    if len(decoded) <= 4:
        raise NoteError("note: not a signature line")
    return name, decoded[:4], decoded[4:]


def _is_sound(point: bytes) -> bool:
    """Canonical and not of small order, judged by the y coordinate: the sign bit only mirrors a point."""
    y = int.from_bytes(point, "little") & (1 << 255) - 1
    return y < _PRIME and y not in _SMALL_ORDER_Y


_ED25519 = 1
_MAX_SIGNATURES = 100
_KEY_NAME = re.compile(r"[^\s+\x00-\x1f\x7f-\x9f]+")
_SIZE = re.compile(r"0|[1-9][0-9]{0,19}")
_PRIME = 2**255 - 19
# The two points of order 8 with positive y, little-endian; the others mirror them.
_ORDER_8_Y = int.from_bytes(bytes.fromhex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"), "little")
_SMALL_ORDER_Y = {0, 1, _PRIME - 1, _ORDER_8_Y, _PRIME - _ORDER_8_Y}
