"""Importing this makes the contract importable (`pmh.eligibility.v1`, …), compiled from `/proto` at that moment.

A vendor would generate stubs into its own tree; we generate them anew each time, so that they cannot be stale.
"""

import atexit
import importlib.resources
import os
import pathlib
import sys
import tempfile

PROTO = pathlib.Path(__file__).resolve().parents[2] / "proto"


def generate(out: pathlib.Path) -> None:
    """Compiles every file of the contract into `out`."""
    from grpc_tools import protoc

    files = sorted(str(path.relative_to(PROTO)) for path in PROTO.glob("pmh/**/*.proto"))
    well_known = importlib.resources.files("grpc_tools") / "_proto"
    arguments = [f"-I{PROTO}", f"-I{well_known}", f"--python_out={out}", f"--grpc_python_out={out}", *files]
    if protoc.main(["protoc", *arguments]) != 0:
        raise RuntimeError("the contract does not compile")


def _provide() -> None:
    # The runner compiles once for all processes of a run.
    shared = os.environ.get("PMH_STUBS")
    if shared is None:
        folder = tempfile.TemporaryDirectory(prefix="pmh-stubs-")
        atexit.register(folder.cleanup)
        shared = folder.name
        generate(pathlib.Path(shared))
    sys.path.insert(0, shared)


_provide()
