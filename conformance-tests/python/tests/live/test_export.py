"""The exported log under a verifier that somebody else wrote, and under our own program."""

import contextlib
import os
import pathlib
import random
import subprocess
import tempfile
import unittest

import aics_tlog

from live import SANDBOX, clinic, question
from pmh_client import Refused

BINARIES = pathlib.Path(os.environ["PMH_BINARIES"])
HOME = pathlib.Path(os.environ["PMH_TARGET"]).parent
CALLS = 10_000 if os.environ.get("PMH_TEST_SCALE") == "full" else 600
CALLS_A_PRESENCE = 500
SEED = 20261122


class Export(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = cls.enterClassContext(tempfile.TemporaryDirectory(prefix="pmh-export-"))
        cls.exported = pathlib.Path(folder) / "log"
        mixed_calls()
        done = run("pmh", "audit", "export", cls.exported, "--sandbox", HOME)
        assert done.returncode == 0, done.stderr
        cls.note = aics_tlog.parse_note((cls.exported / "checkpoint").read_bytes())
        cls.key = aics_tlog.parse_vkey(str(SANDBOX.gateway_log))

    def test_i14_a_foreign_verifier_accepts_the_whole_directory(self):
        newest = self.signed(self.note)
        self.assertGreater(newest.size, CALLS)
        report = aics_tlog.audit_tiles(self.tiles(), newest.size, newest.root)
        self.assertEqual(report.bundles, -(-newest.size // 256))
        print(f"\n{newest.size} entries in {report.bundles} bundles after {CALLS} mixed calls: accepted")

    def test_i14_every_earlier_checkpoint_is_consistent(self):
        newest = self.signed(self.note)
        earlier = sorted((self.exported / "checkpoints").iterdir())
        self.assertGreater(len(earlier), 1)
        for file in earlier:
            old = self.signed(aics_tlog.parse_note(file.read_bytes()))
            size, root = old.size, old.root
            proof = aics_tlog.consistency_proof_from_tiles(self.tiles(), size, newest.size)
            consistent = aics_tlog.verify_consistency(size, newest.size, root, newest.root, proof)
            self.assertTrue(consistent, file.name)
        print(f"\n{len(earlier)} earlier checkpoints: each consistent with {newest.size} entries")

    def test_i11_one_flipped_byte_is_found_and_named(self):
        self.assertEqual(self.our_program().returncode, 0)
        newest = self.signed(self.note)
        chance = random.Random(SEED)
        flips = 0
        for file in sorted(self.exported.rglob("*")):
            if file.is_file() and "checkpoints" not in file.parts:
                flips += 1
                with self.subTest(file.relative_to(self.exported)), flipped(file, chance):
                    ours = self.our_program()
                    self.assertEqual(ours.returncode, 1, ours.stdout)
                    self.assertIn(file.relative_to(self.exported).as_posix(), ours.stdout + ours.stderr)
                    if "tile" in file.parts:
                        with self.assertRaises(aics_tlog.TileVerificationError):
                            aics_tlog.audit_tiles(self.tiles(), newest.size, newest.root)
        print(f"\n{flips} flipped bytes, one a file: each found and named")

    def signed(self, note):
        verified = aics_tlog.verify_checkpoint(note, self.key)
        self.assertTrue(verified.ok, verified)
        return aics_tlog.parse_checkpoint(note.text)

    def tiles(self):
        return aics_tlog.tiles.FileSystemTileReader(self.exported)

    def our_program(self):
        return run("pmh-audit", "directory", self.exported, "--vkey", str(SANDBOX.gateway_log))


def mixed_calls():
    """Answers, unchanged answers, refusals: entries of several kinds."""
    with clinic(0) as here, clinic(1) as there:
        for number in range(CALLS):
            # A token lives for five minutes, and a slow machine takes longer.
            if number % CALLS_A_PRESENCE == 0:
                presences = [here.present(SANDBOX.card(kind)) for kind in ("ELIGIBLE", "NOT_LINKED")]
            presence = presences[number % len(presences)]
            if number % 10 == 9:
                with contextlib.suppress(Refused):
                    there.call_with_token(presence.token, question())
            else:
                here.verify(presence, question())


@contextlib.contextmanager
def flipped(file: pathlib.Path, chance: random.Random):
    """One bit of one byte changed, then put back."""
    content = file.read_bytes()
    at = chance.randrange(len(content))
    changed = bytearray(content)
    changed[at] ^= 1 << chance.randrange(8)
    file.write_bytes(changed)
    try:
        yield
    finally:
        file.write_bytes(content)


def run(program: str, *arguments) -> subprocess.CompletedProcess:
    command = [BINARIES / program, *map(str, arguments)]
    return subprocess.run(command, check=False, capture_output=True, text=True, stdin=subprocess.DEVNULL)


if __name__ == "__main__":
    unittest.main()
