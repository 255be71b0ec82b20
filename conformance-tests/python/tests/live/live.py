"""The gateway under test, as `PMH_TARGET` names it; ready when its health says so."""

import datetime
import os
import pathlib

from grpc_health.v1 import health_pb2, health_pb2_grpc

from pmh_client import Answer, Terminal, eligibility, open_channel, types_pb2
from sandbox import Card, Sandbox

from pmh.eligibility.v1 import entitlement_pb2

SANDBOX = Sandbox.load(pathlib.Path(os.environ["PMH_TARGET"]))
READY_SECONDS = 30
TOKYO = datetime.timezone(datetime.timedelta(hours=9))


def health() -> int:
    """Serving status; waits for the connection, but not forever."""
    with open_channel(SANDBOX, SANDBOX.terminal("clinic")) as channel:
        stub = health_pb2_grpc.HealthStub(channel)
        request = health_pb2.HealthCheckRequest()
        return stub.Check(request, wait_for_ready=True, timeout=READY_SECONDS).status


def clinic(number: int = 0) -> Terminal:
    return Terminal(SANDBOX, SANDBOX.terminal("clinic", number))


def question(**changes) -> eligibility.VerifyEligibilityRequest:
    """What a receptionist asks: today, as an outpatient."""
    usual = {
        "date": datetime.datetime.now(TOKYO).date().isoformat(),
        "care_type": entitlement_pb2.CARE_TYPE_OUTPATIENT,
        "purpose": types_pb2.PURPOSE_HPAYMT,
    }
    return eligibility.VerifyEligibilityRequest(**{**usual, **changes})


def visit(terminal: Terminal, card: Card) -> list[Answer]:
    """What the card's scenario is about: the holder's answer, then those of the children the holder may act for."""
    granted = () if card.expected == "NOT_CONSENTED" else ("*",)
    chart = {"chart": eligibility.Chart(birth_date="1900-01-01")} if card.expected == "IDENTITY_CONFLICT" else {}
    own = terminal.present(card, granted)
    presences = [own, *(terminal.present(card, granted, act_for=child) for child in own.dependants)]
    return [terminal.verify(one, question(**chart)) for one in presences]


assert health() == health_pb2.HealthCheckResponse.SERVING, "the gateway is not serving"
