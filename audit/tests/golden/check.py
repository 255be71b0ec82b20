"""Derives the golden files from the format tables, sharing no code with the crate, and compares.

Inputs are invented and the same as in ../audit/fixture.rs. Standard library only.
"""

import base64
import hashlib
import hmac
import pathlib
import struct
import sys

ORIGIN = "audit.pmh.example/gateway"
SEED = b"\x07" * 32


# Formats ---------------------------------------------------------------------------------------------------------

def short(text):
    return bytes([len(text)]) + text.encode()


def subject_body():
    sub = b"AbCdEf0123456789-_invented"
    return b"\x01" + struct.pack(">H", len(sub)) + sub


def chain_body():
    guardian = b"\x02" + b"\x33" * 32 + struct.pack(">Q", 1) + bytes(32)
    person = b"\x01" + b"\x44" * 32 + struct.pack(">Q", 7) + b"\x55" * 32
    return b"\x01\x02" + guardian + person


def actor_body():
    certificate, jti, trace = b"\x66" * 32, b"\x77" * 32, b"\x88" * 16
    return b"\x01" + short("front-desk-1") + certificate + jti + b"\x01\x01" + short("op-a1") + trace


def detail_body():
    outcomes = [("municipality:131016", "88", 3), ("", "52", 2)]
    encoded = b"".join(short(issuer) + short(group) + struct.pack(">H", code) for issuer, group, code in outcomes)
    rows = struct.pack(">I", 0) + bytes(32)
    head = b"\x01" + b"\x11" * 32 + b"\x22" * 32 + short("consent-1")
    return head + struct.pack(">H", len(outcomes)) + encoded + rows


PARTS = [
    ("subject", b"\xa1" * 32, subject_body()),
    ("chain", b"\xa2" * 32, chain_body()),
    ("actor", b"\xa3" * 32, actor_body()),
    ("detail", b"\xa4" * 32, detail_body()),
]


def commitment(name, salt, body):
    return hmac.new(salt, b"pmh.audit.v1\x00" + name.encode() + b"\x00" + body, hashlib.sha256).digest()


def leaf():
    kind, time_us, event_id = 1, 1775001600123456, b"\x99" * 16
    method, purpose, outcome, categories = 30, 2, 0, 1 << 0 | 1 << 4
    head = struct.pack(">BBQ", 1, kind, time_us) + event_id
    codes = struct.pack(">HHHI", method, purpose, outcome, categories)
    parties = short("municipality:131016") + short("clinic:1310000001")
    refs = b"\x01" + b"\xaa" * 32 + b"\xbb" * 32
    return head + codes + parties + refs + b"".join(commitment(*part) for part in PARTS)


# Tree, note, receipt ---------------------------------------------------------------------------------------------

def sha256(data):
    return hashlib.sha256(data).digest()


def leaf_hash(data):
    return sha256(b"\x00" + data)


def node_hash(left, right):
    return sha256(b"\x01" + left + right)


def tree():
    """Entry 5 of 7: its path and the root."""
    leaves = [leaf_hash(bytes([i])) for i in range(5)] + [leaf_hash(leaf()), leaf_hash(b"\x06")]
    first_four = node_hash(node_hash(leaves[0], leaves[1]), node_hash(leaves[2], leaves[3]))
    right = node_hash(node_hash(leaves[4], leaves[5]), leaves[6])
    return [leaves[4], leaves[6], first_four], node_hash(first_four, right)


def b64(data):
    return base64.b64encode(data).decode()


def checkpoint(root):
    text = f"{ORIGIN}\n7\n{b64(root)}\n"
    public, signature = ed25519_sign(SEED, text.encode())
    key_id = sha256(ORIGIN.encode() + b"\n\x01" + public)[:4]
    return f"{text}\n\u2014 {ORIGIN} {b64(key_id + signature)}\n"


def varint(value):
    low, rest = value & 0x7F, value >> 7
    return bytes([low | 0x80]) + varint(rest) if rest else bytes([low])


def delimited(field, data):
    return varint(field << 3 | 2) + varint(len(data)) + data


def number(field, value):
    return varint(field << 3) + varint(value)


def opening(part):
    _, salt, body = part
    return delimited(1, salt) + delimited(2, body)


def receipt():
    path, root = tree()
    proof = number(2, 5) + number(3, 7) + b"".join(delimited(4, node) for node in path)
    note = delimited(5, checkpoint(root).encode())
    return delimited(1, leaf()) + proof + note + delimited(6, opening(PARTS[3])) + delimited(7, opening(PARTS[0]))


def tlog_proof():
    path, root = tree()
    lines = ["c2sp.org/tlog-proof@v1", f"extra {b64(leaf())}", "index 5"] + [b64(node) for node in path]
    return "\n".join(lines) + "\n\n" + checkpoint(root)


# Ed25519 (RFC 8032 section 5.1), plain and slow -------------------------------------------------------------------

P = 2**255 - 19
ORDER = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P


def add(a, b):
    minus, plus = (a[1] - a[0]) * (b[1] - b[0]), (a[1] + a[0]) * (b[1] + b[0])
    twist, scale = 2 * a[3] * b[3] * D, 2 * a[2] * b[2]
    e, f, g, h = plus - minus, scale - twist, scale + twist, plus + minus
    return e * f % P, g * h % P, f * g % P, e * h % P


def multiply(scalar, point):
    result = (0, 1, 1, 0)
    while scalar:
        if scalar & 1:
            result = add(result, point)
        point, scalar = add(point, point), scalar >> 1
    return result


def base_point():
    y = 4 * pow(5, P - 2, P) % P
    square = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(square, (P + 3) // 8, P)
    if (x * x - square) % P:
        x = x * pow(2, (P - 1) // 4, P) % P
    x = P - x if x & 1 else x
    return x, y, 1, x * y % P


def compress(point):
    inverse = pow(point[2], P - 2, P)
    x, y = point[0] * inverse % P, point[1] * inverse % P
    return (y | (x & 1) << 255).to_bytes(32, "little")


def little(data):
    return int.from_bytes(data, "little")


def ed25519_sign(seed, message):
    digest, base = hashlib.sha512(seed).digest(), base_point()
    secret = little(digest[:32]) & ((1 << 254) - 8) | 1 << 254
    public = compress(multiply(secret, base))
    nonce = little(hashlib.sha512(digest[32:] + message).digest()) % ORDER
    commitment_point = compress(multiply(nonce, base))
    challenge = little(hashlib.sha512(commitment_point + public + message).digest())
    return public, commitment_point + ((nonce + challenge * secret) % ORDER).to_bytes(32, "little")


# Comparison ------------------------------------------------------------------------------------------------------

def main():
    here = pathlib.Path(__file__).parent
    derived = {f"{name}.hex": body for name, _, body in PARTS} | {"leaf.hex": leaf(), "receipt.hex": receipt()}
    wrong = [name for name, data in derived.items() if bytes.fromhex((here / name).read_text()) != data]
    if (here / "receipt.tlog-proof").read_bytes() != tlog_proof().encode():
        wrong.append("receipt.tlog-proof")
    print(f"differs: {', '.join(wrong)}" if wrong else f"{len(derived) + 1} files agree")
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
