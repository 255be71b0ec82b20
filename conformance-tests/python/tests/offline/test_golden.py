"""The verifier against the golden files of the format, which were made by neither."""

import hashlib
import pathlib
import unittest

import stubs  # makes the contract importable
from entry import Detail, Leaf, decode_subject, opens
from mutate import NOT_PROVED, changed
from note import VerifierKey
from receipt import ReceiptError, verify

from pmh.audit.v1 import receipt_pb2

AUDIT = pathlib.Path(__file__).resolve().parents[4] / "audit" / "tests"
KEY = "audit.pmh.example/gateway+062268e8+AepKbGPinFIKvvVQexMuxfmVR3auvr57kkIe6mkURtIs"
REQUEST, RESPONSE = b"\x11" * 32, b"\x22" * 32


def golden(name):
    return bytes.fromhex((AUDIT / "golden" / name).read_text())


class GoldenReceipt(unittest.TestCase):
    def setUp(self):
        self.key = VerifierKey.parse(KEY)
        self.receipt = receipt_pb2.Receipt.FromString(golden("receipt.hex"))

    def refusal(self, receipt, request=REQUEST, response=RESPONSE):
        with self.assertRaises(ReceiptError) as caught:
            verify(receipt, self.key, request, response)
        return str(caught.exception)

    def test_it_verifies_and_says_what_it_proved(self):
        proved = verify(self.receipt, self.key, REQUEST, RESPONSE)
        self.assertEqual((proved.index, proved.checkpoint.size, proved.leaf.kind), (5, 7, 1))
        self.assertEqual((proved.leaf.holder, proved.leaf.requester), ("municipality:131016", "clinic:1310000001"))
        self.assertEqual(proved.subject, "AbCdEf0123456789-_invented")
        self.assertEqual([one.outcome for one in proved.detail.outcomes], [3, 2])

    def test_parts_that_a_receipt_keeps_closed_have_the_written_commitment(self):
        leaf = Leaf.decode(golden("leaf.hex"))
        for part, salt in [("subject", 0xA1), ("chain", 0xA2), ("actor", 0xA3), ("detail", 0xA4)]:
            body = golden(f"{part}.hex")
            self.assertTrue(opens(getattr(leaf, part), part, bytes([salt]) * 32, body), part)
            self.assertFalse(opens(getattr(leaf, part), part, bytes([salt]) * 32, body + b"\x00"), part)
            self.assertFalse(opens(getattr(leaf, part), "other", bytes([salt]) * 32, body), part)

    def test_it_is_encoded_in_one_way(self):
        self.assertEqual(self.receipt.SerializeToString(deterministic=True), golden("receipt.hex"))

    def test_another_request_or_response_is_named(self):
        self.assertIn("request digest", self.refusal(self.receipt, request=RESPONSE))
        self.assertIn("response digest", self.refusal(self.receipt, response=REQUEST))

    def test_another_key_is_refused(self):
        raw = bytes([1]) + b"\xd7" * 32
        other = VerifierKey(self.key.name, hashlib.sha256(self.key.name.encode() + b"\n" + raw).digest()[:4], raw[1:])
        with self.assertRaisesRegex(ReceiptError, "note signature"):
            verify(self.receipt, other, REQUEST, RESPONSE)

    def test_every_changed_field_is_found(self):
        seen = []
        for path, receipt in changed(self.receipt, skip=NOT_PROVED):
            with self.subTest(path):
                seen.append(path)
                if path == "subject":
                    # A receipt may leave the subject closed; who needs it open says so to verify_answer.
                    self.assertIsNone(verify(receipt, self.key, REQUEST, RESPONSE).subject)
                else:
                    self.refusal(receipt)
        self.assertGreaterEqual(len(seen), 15)

    def test_every_changed_byte_of_leaf_and_openings_is_found(self):
        for message, field in [
            (lambda one: one, "leaf"),
            (lambda one: one.detail, "salt"),
            (lambda one: one.detail, "body"),
            (lambda one: one.subject, "salt"),
            (lambda one: one.subject, "body"),
        ]:
            for at in range(len(getattr(message(self.receipt), field))):
                receipt = receipt_pb2.Receipt.FromString(golden("receipt.hex"))
                value = bytearray(getattr(message(receipt), field))
                value[at] ^= 1
                setattr(message(receipt), field, bytes(value))
                with self.subTest(field, at=at):
                    self.refusal(receipt)

    def test_every_changed_character_of_the_checkpoint_is_found(self):
        for at, character in enumerate(self.receipt.checkpoint):
            receipt = receipt_pb2.Receipt.FromString(golden("receipt.hex"))
            other = "A" if character != "A" else "B"
            receipt.checkpoint = receipt.checkpoint[:at] + other + receipt.checkpoint[at + 1 :]
            with self.subTest(at=at):
                self.refusal(receipt)

    def test_unknown_kinds_still_decode(self):
        leaf = bytearray(golden("leaf.hex"))
        leaf[1] = 0xF0
        self.assertEqual(Leaf.decode(bytes(leaf)).kind, 0xF0)

    def test_a_shortened_or_extended_body_is_no_body(self):
        for name, decode in [("leaf.hex", Leaf.decode), ("detail.hex", Detail.decode), ("subject.hex", decode_subject)]:
            whole = golden(name)
            decode(whole)
            for wrong in [whole + b"\x00", *(whole[:length] for length in range(len(whole)))]:
                with self.subTest(name, length=len(wrong)), self.assertRaises(Exception) as caught:
                    decode(wrong)
                self.assertEqual(type(caught.exception).__name__, "EntryError")


if __name__ == "__main__":
    unittest.main()
