"""Witnesses across two implementations: ours asked by somebody else's log, somebody else's asked by our log."""

import contextlib
import os
import pathlib
import signal
import subprocess
import tempfile
import threading
import time
import unittest

import aics_tlog
import aics_witness
import grpc
from aics_witness.config import LogConfig
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from live import question
from pmh_client import Terminal, open_channel
from sandbox import Sandbox

from pmh.audit.v1 import export_pb2, log_pb2

PMH = pathlib.Path(os.environ["PMH_BINARIES"]) / "pmh"
ORIGIN = "log.example/foreign"
PATIENCE = 30


class OursAskedByOthers(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory(prefix="pmh-witness-")))
        self.key = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
        self.tree = aics_tlog.MerkleTree([f"entry {n}".encode() for n in range(700)])
        address, self.vkey = self.enterContext(self.our_witness())
        self.client = aics_witness.WitnessClient(f"http://{address}", self.vkey, backoff=0.01)
        self.addCleanup(self.client.close)

    @contextlib.contextmanager
    def our_witness(self):
        log = aics_tlog.format_vkey(aics_tlog.vkey_from_ed25519(ORIGIN, self.key.public_key()))
        (self.folder / "seed.hex").write_text("0b" * 32)
        (self.folder / "witness.toml").write_text(
            f'listen = "127.0.0.1:0"\nname = "witness.example/ours"\nseed = "seed.hex"\n'
            f'database = "witness.db"\nlogs = ["{log}"]\n'
        )
        command = [PMH, "serve", "--role", "witness", "--config", self.folder / "witness.toml"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True) as served:
            try:
                yield tuple(served.stdout.readline().split()[-1] for _ in range(2))
            finally:
                served.send_signal(signal.SIGTERM)

    def checkpoint(self, size, tree=None):
        root = (tree or self.tree).root(size)
        return aics_tlog.sign_checkpoint(aics_tlog.Checkpoint(ORIGIN, size, root), self.key, ORIGIN).to_bytes()

    def test_i23_a_growing_log_is_cosigned_and_a_fork_is_not(self):
        for size in (1, 300, 300, 700):
            note = self.checkpoint(size)
            lines = self.client.submit(note, self.tree.consistency_proof)
            merged = aics_witness.merge_cosignatures(note, lines)
            log = aics_tlog.vkey_from_ed25519(ORIGIN, self.key.public_key())
            witness = [aics_tlog.parse_vkey(self.vkey)]
            verified = aics_tlog.verify_checkpoint(aics_tlog.parse_note(merged), log, witness, quorum=1)
            self.assertTrue(verified.ok, verified)
        fork = aics_tlog.MerkleTree([f"other {n}".encode() for n in range(900)])
        with self.assertRaises(aics_witness.WitnessRejected):
            self.client.submit(self.checkpoint(900, fork), fork.consistency_proof)
        with self.assertRaises(aics_witness.WitnessAhead):
            self.client.submit(self.checkpoint(500), self.tree.consistency_proof)

    def test_a_log_that_is_not_watched_is_refused(self):
        stranger = Ed25519PrivateKey.from_private_bytes(bytes(32))
        checkpoint = aics_tlog.Checkpoint("log.example/stranger", 9, self.tree.root(9))
        note = aics_tlog.sign_checkpoint(checkpoint, stranger, "log.example/stranger").to_bytes()
        with self.assertRaises(aics_witness.WitnessRejected):
            self.client.submit(note, self.tree.consistency_proof)


class OthersAskedByOurs(unittest.TestCase):
    def test_p3_a_foreign_witness_cosigns_our_log(self):
        folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory(prefix="pmh-witnessed-")))
        url, witness = self.enterContext(foreign_witness(folder))
        with our_gateway(folder / "sandbox", f"{url} {witness.vkey_text}") as sandbox:
            # The log's key is made with the sandbox; until the witness is told, it answers 404 and is asked again.
            log = str(sandbox.gateway_log)
            witness.set_logs([LogConfig(sandbox.gateway_log.name, (aics_tlog.parse_vkey(log),))])
            with Terminal(sandbox, sandbox.terminal("clinic")) as clinic:
                presence = clinic.present(sandbox.card("ELIGIBLE"))
                index = clinic.verify(presence, question()).proof.index
            keys = [aics_tlog.parse_vkey(key) for key in (witness.vkey_text, *sandbox.witnesses)]
            note = aics_tlog.parse_note(cosigned_by_two(sandbox, index).encode())
        verified = aics_tlog.verify_checkpoint(note, aics_tlog.parse_vkey(log), keys, quorum=2)
        self.assertTrue(verified.ok, verified)
        self.assertGreater(aics_tlog.parse_checkpoint(note.text).size, index)


def cosigned_by_two(sandbox: Sandbox, index: int) -> str:
    """The receipt's checkpoint once both witnesses have cosigned it; asks until then, but not forever."""
    end = time.monotonic() + PATIENCE
    request = export_pb2.GetReceiptRequest(log=log_pb2.LOG_GATEWAY, index=index, min_cosigned=2)
    with open_channel(sandbox, sandbox.terminal("clinic")) as channel:
        ask = channel.unary_unary(
            "/pmh.audit.v1.AuditService/GetReceipt",
            request_serializer=export_pb2.GetReceiptRequest.SerializeToString,
            response_deserializer=export_pb2.GetReceiptResponse.FromString,
        )
        while True:
            try:
                return ask(request, timeout=PATIENCE).renewed.checkpoint
            except grpc.RpcError:
                if time.monotonic() > end:
                    raise


@contextlib.contextmanager
def foreign_witness(folder: pathlib.Path):
    key = Ed25519PrivateKey.from_private_bytes(bytes([5]) * 32)
    with aics_witness.WitnessStore(folder / "foreign.db", create=True) as store:
        witness = aics_witness.Witness("witness.example/foreign", key, store)
        store.bind_witness_vkey(witness.vkey_text)
        server = aics_witness.make_server(witness)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield server.url, witness
        finally:
            server.shutdown()
            thread.join()
            server.server_close()


@contextlib.contextmanager
def our_gateway(home: pathlib.Path, witness: str):
    command = [PMH, "sandbox", "--dir", home, "--witness", witness]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True) as served:
        try:
            # Two lines: listening, and described.
            for _ in range(2):
                served.stdout.readline()
            yield Sandbox.load(home / "sandbox.json")
        finally:
            served.send_signal(signal.SIGTERM)


if __name__ == "__main__":
    unittest.main()
