"""R-CRD-12: a terminal lets no card sign a text that differs from what it asked for."""

import dataclasses
import hashlib
import struct
import unittest

from challenge import PREFIX, ChallengeError, Expected, check, consent_digest

NOW = 1_800_000_000
ASKED = Expected(
    organization="urn:x-pmh:org:clinic:1310310243",
    thumbprint=b"\x05" * 32,
    terminal="tokyo-clinic-1",
    purposes=("TREAT", "HPAYMT"),
    scopes=("eligibility:read",),
    consent_text_sha256=b"\x09" * 32,
    consent_groups=("88-13", "52"),
    wanted=1,
    issuer="https://gateway.example",
)


def fields():
    return [
        b"https://gateway.example",
        bytes(16),
        bytes(32),
        b"urn:x-pmh:org:clinic:1310310243",
        b"\x05" * 32,
        b"tokyo-clinic-1",
        b"HPAYMT TREAT",
        hashlib.sha256(b"eligibility:read").digest(),
        consent_digest(b"\x09" * 32, ("52", "88-13")),
        struct.pack(">q", NOW),
        struct.pack(">q", NOW + 120),
        b"\x01",
    ]


def encode(values, tags=None):
    tagged = zip(tags or range(1, len(values) + 1), values, strict=True)
    return PREFIX + b"".join(struct.pack(">BH", tag, len(value)) + value for tag, value in tagged)


class Challenge(unittest.TestCase):
    def refused(self, text, expected=ASKED, now=NOW):
        with self.assertRaises(ChallengeError):
            check(text, expected, now)

    def test_r_crd_12_what_was_asked_for_is_signed(self):
        self.assertEqual(check(encode(fields()), ASKED, NOW + 5), "https://gateway.example")

    def test_r_crd_12_any_other_value_is_not_signed(self):
        # Presentation id and nonce (02, 03) are the gateway's own.
        for tag in (1, 4, 5, 6, 7, 8, 9, 12):
            values = fields()
            values[tag - 1] = bytes([values[tag - 1][0] ^ 1]) + values[tag - 1][1:]
            with self.subTest(tag=tag):
                self.refused(encode(values))

    def test_r_crd_12_another_wish_than_displayed_is_not_signed(self):
        for change in [
            {"purposes": ("TREAT",)},
            {"scopes": ()},
            {"consent_groups": ("52",)},
            {"consent_text_sha256": bytes(32)},
            {"wanted": 3},
            {"terminal": "tokyo-clinic-2"},
        ]:
            with self.subTest(change):
                self.refused(encode(fields()), dataclasses.replace(ASKED, **change))

    def test_r_crd_12_times_must_be_current(self):
        for now in (NOW - 61, NOW + 180):
            self.refused(encode(fields()), now=now)
        for issued, expires in [(NOW, NOW + 121), (NOW, NOW)]:
            values = fields()
            values[9:11] = struct.pack(">q", issued), struct.pack(">q", expires)
            self.refused(encode(values))

    def test_r_crd_12_another_shape_is_not_signed(self):
        text = encode(fields())
        swapped = encode(fields(), [2, 1, *range(3, 13)])
        doubled = encode(fields(), [1, 1, *range(3, 13)])
        for wrong in [b"", PREFIX, text + b"\x00", b"X" + text, swapped, doubled, encode(fields()[:11])]:
            self.refused(wrong)
        for length in range(len(text)):
            self.refused(text[:length])


if __name__ == "__main__":
    unittest.main()
