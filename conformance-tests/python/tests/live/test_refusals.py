"""Refusals arrive as `google.rpc.Status` with the documented reason, and echo nothing."""

import os
import unittest

import grpc

import newcomer
from live import SANDBOX, clinic, question
from pmh_client import Refused, Terminal


class Refusals(unittest.TestCase):
    def refused(self, reason, code, call, *arguments):
        with self.assertRaises(Refused) as caught:
            call(*arguments)
        refusal = caught.exception
        self.assertEqual((refusal.domain, refusal.reason, refusal.code), ("pmh", reason, code))
        self.assertEqual(refusal.status.code, code.value[0])
        return refusal

    def unauthenticated(self, reason, call, *arguments):
        return self.refused(reason, grpc.StatusCode.UNAUTHENTICATED, call, *arguments)

    def test_p2_an_unregistered_organization_is_told_so(self):
        stranger = newcomer.unregistered(SANDBOX)
        if stranger is None:
            self.assertNotEqual(os.environ.get("CI"), "true", "the target gives no means to test this")
            self.skipTest("the target gives no certificate authority to make an unregistered organization with")
        with Terminal(SANDBOX, stranger) as terminal:
            self.unauthenticated("ORG_IDENTITY_MISSING", terminal.begin, SANDBOX.card("ELIGIBLE"))

    def test_p3_a_token_works_only_at_its_own_terminal(self):
        with clinic(0) as here, clinic(1) as there:
            self.assertNotEqual(here.identity.thumbprint, there.identity.thumbprint)
            presence, request = here.present(SANDBOX.card("ELIGIBLE")), question()
            refusal = self.unauthenticated("TOKEN_BINDING", there.call_with_token, presence.token, request)
            self.assertNotIn(presence.token, str(refusal.status))
            proof = refusal.proof(request, SANDBOX.gateway_log)
            self.assertEqual((proof.leaf.kind, proof.leaf.requester), (REFUSAL, there.identity.short))
            here.verify(presence, request)

    def test_p3_a_call_without_a_genuine_token_opens_nothing(self):
        with clinic() as terminal:
            token = terminal.present(SANDBOX.card("ELIGIBLE")).token
            head, payload, signature = token.split(".")
            forged = ".".join((head, payload, ("B" if signature[0] == "A" else "A") + signature[1:]))
            self.unauthenticated("TOKEN_MISSING", terminal.call_with_token, None, question())
            self.unauthenticated("TOKEN_INVALID", terminal.call_with_token, forged, question())
            self.unauthenticated("TOKEN_INVALID", terminal.call_with_token, "x" * 3000, question())

    def test_r_crd_06_a_challenge_is_used_once_and_by_its_own_terminal(self):
        card = SANDBOX.card("ELIGIBLE")
        with clinic(0) as here, clinic(1) as there:
            signed = here.begin(card)
            self.unauthenticated("CHALLENGE_INVALID", there.complete, signed)
            here.complete(signed)
            self.unauthenticated("CHALLENGE_INVALID", here.complete, signed)

    def test_r_crd_a_signature_over_another_text_is_refused(self):
        with clinic() as terminal:
            signed = terminal.begin(SANDBOX.card("ELIGIBLE"))
            signed.jpki.signature = SANDBOX.card("ELIGIBLE").sign(b"another text")
            self.unauthenticated("CARD_SIGNATURE", terminal.complete, signed)

    def test_r_sc_04_a_refusal_names_the_field_and_echoes_no_value(self):
        with clinic() as terminal:
            token = terminal.present(SANDBOX.card("ELIGIBLE")).token
            wrong = question(date="2026-02-30")
            invalid = grpc.StatusCode.INVALID_ARGUMENT
            refusal = self.refused("INVALID_FIELDS", invalid, terminal.call_with_token, token, wrong)
            self.assertEqual(refusal.fields, ["date"])
            self.assertNotIn("2026-02-30", str(refusal.status))
            refusal.proof(wrong, SANDBOX.gateway_log)


# Kind of entry: audit/README.md.
REFUSAL = 2

if __name__ == "__main__":
    unittest.main()
