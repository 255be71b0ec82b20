"""The log over HTTPS as C2SP tlog-tiles, under a verifier that somebody else wrote."""

import http.client
import pathlib
import ssl
import tempfile
import unittest
import urllib.parse

import aics_tlog

from live import SANDBOX

TIMEOUT_SECONDS = 30


class Tiles(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.auditor = cls.enterClassContext(Reader("auditor"))
        cls.clinic = cls.enterClassContext(Reader("clinic"))
        cls.key = aics_tlog.parse_vkey(str(SANDBOX.gateway_log))

    def checkpoint(self):
        _, note = self.auditor.get("checkpoint")
        note = aics_tlog.parse_note(note)
        verified = aics_tlog.verify_checkpoint(note, self.key)
        self.assertTrue(verified.ok, verified)
        return aics_tlog.parse_checkpoint(note.text)

    def test_i14_a_foreign_verifier_accepts_the_log_as_it_is_served(self):
        older = self.checkpoint()
        report = aics_tlog.audit_tiles(self.auditor, older.size, older.root)
        self.assertEqual(report.bundles, -(-older.size // 256))
        newer = self.checkpoint()
        self.assertGreater(newer.size, older.size, "each bundle that was read is an entry")
        proof = aics_tlog.consistency_proof_from_tiles(self.clinic, older.size, newer.size)
        self.assertTrue(
            aics_tlog.verify_consistency(older.size, newer.size, older.root, newer.root, proof)
        )
        print(f"\n{older.size} entries in {report.bundles} bundles read over HTTPS: accepted")

    def test_entries_are_for_auditors_and_hashes_for_everybody(self):
        size = self.checkpoint().size
        width = min(size, 256)
        self.assertEqual(self.clinic.get(path_of("0", width))[0], 200)
        self.assertEqual(self.clinic.get(path_of("entries", width))[0], 403)
        self.assertEqual(self.auditor.get(path_of("entries", width))[0], 200)


def path_of(level: str, width: int) -> str:
    return f"tile/{level}/000" + (f".p/{width}" if width < 256 else "")


class Reader:
    """A tile reader of the verifier's protocol: HTTPS with an organization's certificate."""

    def __init__(self, kind: str):
        identity = SANDBOX.terminal(kind)
        context = ssl.create_default_context(cadata=SANDBOX.ca_pem.decode())
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        context.set_alpn_protocols(["http/1.1"])
        with tempfile.TemporaryDirectory(prefix="pmh-tiles-") as folder:
            chain, key = pathlib.Path(folder) / "chain.pem", pathlib.Path(folder) / "key.pem"
            chain.write_bytes(identity.chain_pem)
            key.write_bytes(identity.key_pem)
            context.load_cert_chain(chain, key)
        place = urllib.parse.urlsplit(SANDBOX.web)
        self.connection = http.client.HTTPSConnection(
            place.hostname, place.port, timeout=TIMEOUT_SECONDS, context=context
        )

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.connection.close()

    def get(self, path: str) -> tuple[int, bytes]:
        self.connection.request("GET", f"/{path}")
        response = self.connection.getresponse()
        return response.status, response.read()

    def found(self, path: str) -> bytes | None:
        status, body = self.get(path)
        if status not in (200, 404):
            raise OSError(f"{path}: {status}")
        return body if status == 200 else None

    def read_tile(self, level: int, index: int, width: int | None) -> bytes | None:
        return self.found(aics_tlog.tiles.tile_path(level, index, width))

    def read_entry_bundle(self, index: int, width: int | None) -> bytes | None:
        return self.found(aics_tlog.tiles.entry_bundle_path(index, width))


if __name__ == "__main__":
    unittest.main()
