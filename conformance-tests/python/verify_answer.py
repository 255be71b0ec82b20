"""Verifies a stored answer offline: `verify_answer.py FILE --vkey KEY [--requester KIND:CODE]`.

FILE is JSON with `method`, and `request` and `response` as base64 of the messages, as `pmh counter verify --json`
writes it. Exit 0: proved. Exit 1: not proved, and what is wrong. Exit 2: not such a file.
"""

import argparse
import base64
import json
import pathlib
import sys

from google.protobuf import descriptor_pool, message, message_factory

import stubs  # makes the contract importable
from note import NoteError, VerifierKey
from receipt import ReceiptError, verify_answer

# Their methods are then known by name.
import pmh.audit.v1.audit_service_pb2
import pmh.directory.v1.organization_service_pb2
import pmh.eligibility.v1.eligibility_service_pb2
import pmh.presence.v1.presence_service_pb2
import pmh.resident.v1.resident_service_pb2


def main() -> int:
    arguments = parse_arguments()
    try:
        key = VerifierKey.parse(arguments.vkey)
        request, response = read_answer(arguments.file)
    except (OSError, ValueError, KeyError, TypeError, message.DecodeError, NoteError) as error:
        print(f"cannot be read: {error}", file=sys.stderr)
        return 2
    try:
        proof = verify_answer(request, response, key, requester=arguments.requester, subject=named_subject(response))
    except ReceiptError as error:
        print(f"NOT PROVED: {error}")
        return 1
    print(f"proved: entry {proof.index} of {proof.checkpoint.origin}, asked by {proof.leaf.requester}")
    return 0


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Verify a stored answer offline.")
    parser.add_argument("file", type=pathlib.Path)
    parser.add_argument("--vkey", required=True, help="the log's verifier key, name+hex+base64")
    parser.add_argument("--requester", help="who must have asked, <kind>:<code>")
    return parser.parse_args()


def read_answer(file: pathlib.Path):
    """Request and response of the method that the file names."""
    stored = json.loads(file.read_text(encoding="utf-8"))
    full_name = stored["method"].removeprefix("/").replace("/", ".")
    service, _, name = full_name.rpartition(".")
    method = descriptor_pool.Default().FindServiceByName(service).methods_by_name[name]

    def decode(kind, text):
        return message_factory.GetMessageClass(kind).FromString(base64.b64decode(text, validate=True))

    return decode(method.input_type, stored["request"]), decode(method.output_type, stored["response"])


def named_subject(response) -> str | None:
    """An answer that names its subject must name the one in the log."""
    return (response.subject or None) if "subject" in response.DESCRIPTOR.fields_by_name else None


if __name__ == "__main__":
    sys.exit(main())
