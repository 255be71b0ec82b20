#!/usr/bin/env python3
"""Runs the foreign client: `run.py [--offline] [-v] [-k PATTERN]`. Needs Python 3.11 and nothing else.

Makes a virtual environment, compiles the contract, and tests the gateway that `PMH_TARGET=DIR/sandbox.json` names, or
else a sandbox of its own. Without a package index or a gateway the run is skipped, which is a failure if `CI=true`.
"""

import contextlib
import hashlib
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import venv

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
TARGET = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
START_SECONDS = 60
STOP_SECONDS = 40
POLL_SECONDS = 0.05


class Skip(Exception):
    """Something that this machine lacks."""


def main(arguments: list[str]) -> int:
    offline = "--offline" in arguments
    arguments = [argument for argument in arguments if argument != "--offline"]
    try:
        python = environment()
        with contextlib.ExitStack() as stack:
            folder = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="pmh-python-")))
            stubs = folder / "stubs"
            compile_contract(python, stubs)
            results = [run_tests(python, "offline", arguments, PMH_STUBS=stubs)]
            if not offline:
                target = stack.enter_context(gateway(folder))
                binaries = binary().parent
                extra = {"PMH_STUBS": stubs, "PMH_TARGET": target, "PMH_BINARIES": binaries}
                results.append(run_tests(python, "live", arguments, **extra))
            return 0 if all(results) else 1
    except Skip as reason:
        print(f"SKIPPED: {reason}", flush=True)
        return 1 if os.environ.get("CI") == "true" else 0


def environment() -> pathlib.Path:
    """The interpreter of an environment that holds exactly the requirements."""
    if sys.version_info < (3, 11):
        raise Skip("this is not Python 3.11 or later")
    folder, requirements = TARGET / "python-venv", HERE / "requirements.txt"
    python, stamp = folder / "bin" / "python", folder / "requirements.sha256"
    wanted = hashlib.sha256(requirements.read_bytes() + sys.version.encode()).hexdigest()
    if stamp.exists() and stamp.read_text() == wanted:
        return python
    try:
        venv.create(folder, clear=True, with_pip=True)
    except subprocess.CalledProcessError:
        raise Skip("this Python has no venv with pip") from None
    # The verifier of others declares Python 3.12 and runs on 3.11; what it needs is pinned beside it.
    options = ["--quiet", "--no-deps", "--only-binary=:all:", "--ignore-requires-python"]
    install = [python, "-m", "pip", "install", *options, "-r", requirements]
    if subprocess.run(install, check=False).returncode != 0:
        raise Skip("the packages of requirements.txt could not be installed")
    stamp.write_text(wanted)
    return python


def compile_contract(python: pathlib.Path, out: pathlib.Path) -> None:
    out.mkdir()
    code = "import pathlib, sys, stubs; stubs.generate(pathlib.Path(sys.argv[1]))"
    subprocess.run([python, "-c", code, out], check=True, env=variables(PMH_STUBS=out))


def run_tests(python: pathlib.Path, kind: str, arguments: list[str], **extra) -> bool:
    folder = HERE / "tests" / kind
    command = [python, "-m", "unittest", "discover", "-s", folder, "-t", folder, *arguments]
    print(f"{kind}:", flush=True)
    return subprocess.run(command, check=False, env=variables(**extra)).returncode == 0


@contextlib.contextmanager
def gateway(folder: pathlib.Path):
    """The path of `sandbox.json` of a running gateway."""
    if "PMH_TARGET" in os.environ:
        yield pathlib.Path(os.environ["PMH_TARGET"]).resolve()
        return
    home, log = folder / "sandbox", folder / "sandbox.log"
    command = [binary(), "sandbox", "--dir", home, "--listen", "127.0.0.1:0"]
    with log.open("wb") as output:
        server = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output)
    try:
        yield wait_for(home / "sandbox.json", server)
        server.send_signal(signal.SIGTERM)
        if server.wait(STOP_SECONDS) != 0:
            raise RuntimeError(f"the sandbox ended with {server.returncode}")
    except BaseException:
        sys.stderr.write(log.read_text(errors="replace")[-4000:])
        raise
    finally:
        server.kill()
        server.wait()


def wait_for(file: pathlib.Path, server: subprocess.Popen) -> pathlib.Path:
    """Waits until the file is complete; its address then answers. The process' end is the other way out."""
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end:
        with contextlib.suppress(FileNotFoundError, json.JSONDecodeError):
            json.loads(file.read_text(encoding="utf-8"))
            return file
        with contextlib.suppress(subprocess.TimeoutExpired):
            server.wait(POLL_SECONDS)
            raise RuntimeError(f"the sandbox ended early with {server.returncode}")
    raise RuntimeError(f"no sandbox.json after {START_SECONDS} s")


def binary() -> pathlib.Path:
    """The built `pmh`, with `pmh-audit` beside it."""
    program = TARGET / "debug" / "pmh"
    if program.exists() and program.with_name("pmh-audit").exists():
        return program
    if shutil.which("cargo") is None:
        raise Skip("there is no PMH_TARGET, no built pmh and no cargo to build it")
    subprocess.run(["cargo", "build", "--locked", "-p", "pmh", "-p", "pmh-audit"], cwd=ROOT, check=True)
    return program


def variables(**extra) -> dict[str, str]:
    added = {"PYTHONPATH": HERE, "PYTHONDONTWRITEBYTECODE": "1", "GRPC_VERBOSITY": "NONE", **extra}
    return {**os.environ, **{name: str(value) for name, value in added.items()}}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
