"""The verifier's building blocks against vectors of other people's making (provenance: audit/tests/vectors)."""

import base64
import json
import pathlib
import unittest

from merkle import is_included, leaf_hash
from note import NoteError, VerifierKey, open_note, verify_strict

VECTORS = pathlib.Path(__file__).resolve().parents[4] / "audit" / "tests" / "vectors"


def load(name):
    return json.loads((VECTORS / name).read_text(encoding="utf-8"))


class Ed25519(unittest.TestCase):
    # A component of low order alone is harmless to a rule without cofactor.
    REFUSED = {"low_order_A", "low_order_R", "low_order_residue", "non_canonical_A", "non_canonical_R"}

    def test_cctv_edge_cases_follow_the_strict_rule(self):
        accepted = 0
        for case in load("cctv-ed25519/ed25519vectors.json"):
            key, signature = bytes.fromhex(case["key"]), bytes.fromhex(case["sig"])
            strict = not self.REFUSED.intersection(case["flags"] or ())
            with self.subTest(case["number"]):
                self.assertEqual(verify_strict(key, case["msg"].encode(), signature), strict)
            accepted += strict
        self.assertEqual(accepted, 43)

    def test_wycheproof_cases_are_judged_as_published(self):
        suite = load("wycheproof-ed25519/ed25519_test.json")
        for group in suite["testGroups"]:
            key = bytes.fromhex(group["publicKey"]["pk"])
            for case in group["tests"]:
                valid = verify_strict(key, bytes.fromhex(case["msg"]), bytes.fromhex(case["sig"]))
                with self.subTest(case["tcId"]):
                    self.assertEqual(valid, case["result"] == "valid")


class Notes(unittest.TestCase):
    def test_published_notes_are_judged_as_their_authors_say(self):
        for case in load("signed-note/notes.json")["notes"]:
            keys = [VerifierKey.parse(vkey) for vkey in case["vkeys"]]
            with self.subTest(case["desc"]):
                self.assertEqual(self.signers(bytes.fromhex(case["note_hex"]), keys), case["verified_names"] or None)

    def test_published_keys_are_judged_as_their_authors_say(self):
        vkeys = load("signed-note/notes.json")["vkeys"]
        for vkey in vkeys["accept"]:
            self.assertEqual(str(VerifierKey.parse(vkey)), vkey)
        for vkey in vkeys["reject"]:
            with self.subTest(vkey), self.assertRaises(NoteError):
                VerifierKey.parse(vkey)

    @staticmethod
    def signers(note, keys):
        try:
            return open_note(note.decode("utf-8"), keys)[1]
        except (NoteError, UnicodeDecodeError):
            return None


class Merkle(unittest.TestCase):
    def test_rfc6962_paths_verify(self):
        vectors = load("rfc6962/rfc6962_tree_vectors.json")
        leaves = [leaf_hash(bytes.fromhex(leaf)) for leaf in vectors["leaves_hex"]]
        roots = [bytes.fromhex(root) for root in vectors["root_by_size"]]
        self.assertTrue(vectors["inclusion"])
        for case in vectors["inclusion"]:
            index, size = case["leaf_index"], case["tree_size"]
            path = [bytes.fromhex(sibling) for sibling in case["path"]]
            with self.subTest(index=index, size=size):
                self.assertTrue(is_included(index, size, leaves[index], path, roots[size]))
                self.assertFalse(is_included(index, size, leaves[index], [*path, bytes(32)], roots[size]))

    def test_a_real_certificate_transparency_entry_verifies(self):
        entry = load("rfc6962/rfc6962_tree_vectors.json")["real_ct_log_entry"]
        path = [bytes.fromhex(sibling) for sibling in entry["path"]]
        leaf, root = leaf_hash(bytes.fromhex(entry["leaf_data_hex"])), bytes.fromhex(entry["root"])
        self.assertTrue(is_included(entry["leaf_index"], entry["tree_size"], leaf, path, root))
        self.assertFalse(is_included(entry["leaf_index"] ^ 1, entry["tree_size"], leaf, path, root))

    def test_probes_are_judged_as_upstream_says(self):
        probes = sorted((VECTORS / "transparency-dev-merkle/testdata/inclusion").rglob("*.json"))
        self.assertEqual(len(probes), 98)
        for file in probes:
            probe = json.loads(file.read_text(encoding="utf-8"))
            path = [base64.b64decode(sibling) for sibling in probe["proof"] or ()]
            leaf, root = base64.b64decode(probe["leafHash"]), base64.b64decode(probe["root"])
            included = len(leaf) == 32 and is_included(probe["leafIdx"], probe["treeSize"], leaf, path, root)
            with self.subTest(file.name):
                self.assertEqual(included, not probe["wantErr"])


if __name__ == "__main__":
    unittest.main()
