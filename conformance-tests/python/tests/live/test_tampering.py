"""A stored answer of which anything was changed is no longer proved."""

import pathlib
import subprocess
import sys
import tempfile
import unittest

import verify_answer as program
from live import SANDBOX, clinic, visit
from mutate import NOT_PROVED, changed
from note import VerifierKey
from receipt import ReceiptError, verify_answer


class StoredAnswer(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        with clinic() as terminal:
            cls.answer = visit(terminal, SANDBOX.card("ELIGIBLE"))[-1]
            cls.requester = terminal.identity.short
        assert any(result.entitlements for result in cls.answer.response.results), "an answer with something to change"

    def prove(self, request=None, response=None, key=SANDBOX.gateway_log):
        return verify_answer(
            request or self.answer.request,
            response or self.answer.response,
            key,
            requester=self.requester,
            subject=self.answer.proof.subject,
        )

    def every_change_is_found(self, versions, at_least):
        self.prove()
        seen = 0
        for path, version in versions:
            seen += 1
            with self.subTest(path), self.assertRaises(ReceiptError):
                self.prove(**version)
        self.assertGreaterEqual(seen, at_least)

    def test_p1_each_changed_field_of_the_response_is_found(self):
        versions = changed(self.answer.response, skip=("receipt",))
        self.every_change_is_found(((path, {"response": one}) for path, one in versions), 30)

    def test_p1_each_changed_field_of_the_request_is_found(self):
        versions = changed(self.answer.request)
        self.every_change_is_found(((path, {"request": one}) for path, one in versions), 8)

    def test_p1_each_changed_field_of_the_receipt_is_found(self):
        def versions():
            for path, receipt in changed(self.answer.response.receipt, skip=NOT_PROVED):
                response = type(self.answer.response)()
                response.CopyFrom(self.answer.response)
                response.receipt.CopyFrom(receipt)
                yield path, {"response": response}

        self.every_change_is_found(versions(), 12)

    def test_p1_the_key_of_another_log_proves_nothing(self):
        with self.assertRaises(ReceiptError):
            self.prove(key=SANDBOX.auth_log)

    def test_p1_a_separate_program_verifies_the_file_and_finds_a_change(self):
        stored = self.answer.to_json()
        self.assertEqual(self.run_program(stored, SANDBOX.gateway_log), 0)
        self.assertEqual(self.run_program(stored, SANDBOX.auth_log), 1)
        response = type(self.answer.response)()
        response.CopyFrom(self.answer.response)
        response.results[0].authoritative ^= True
        forged = type(self.answer)(self.answer.request, response, self.answer.proof).to_json()
        self.assertEqual(self.run_program(forged, SANDBOX.gateway_log), 1)
        self.assertEqual(self.run_program("{}", SANDBOX.gateway_log), 2)

    @staticmethod
    def run_program(stored: str, key: VerifierKey) -> int:
        with tempfile.TemporaryDirectory() as folder:
            file = pathlib.Path(folder) / "answer.json"
            file.write_text(stored, encoding="utf-8")
            command = [sys.executable, program.__file__, file, "--vkey", str(key)]
            return subprocess.run(command, check=False, capture_output=True).returncode


if __name__ == "__main__":
    unittest.main()
