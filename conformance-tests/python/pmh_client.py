"""A clinic's program against the gateway: present a card, verify eligibility, believe nothing without its proof."""

import base64
import hashlib
import json
import time
from dataclasses import dataclass

import grpc
from google.rpc import error_details_pb2, status_pb2

import challenge
import stubs  # makes the following importable
from receipt import ReceiptError, Verified, verify, verify_answer
from sandbox import Card, Identity, Sandbox

from pmh.audit.v1 import receipt_pb2
from pmh.common.v1 import types_pb2
from pmh.eligibility.v1 import eligibility_service_pb2 as eligibility
from pmh.eligibility.v1 import eligibility_service_pb2_grpc as eligibility_grpc
from pmh.presence.v1 import presence_service_pb2 as presence
from pmh.presence.v1 import presence_service_pb2_grpc as presence_grpc

CONSENT_TEXT = "この医療機関に、医療費助成の受給資格を提供することに同意しますか。"
PURPOSES = (types_pb2.PURPOSE_HPAYMT, types_pb2.PURPOSE_TREAT)
SCOPES = ("eligibility:read",)
ALL_GROUPS = ("*",)
DEADLINE = 10.0


class Refused(Exception):
    """The gateway's refusal, read from `google.rpc.Status`."""

    def __init__(self, error: grpc.RpcError):
        self.code = error.code()
        self.status = _rich_status(error)
        info = _detail(self.status, error_details_pb2.ErrorInfo)
        self.domain, self.reason = (info.domain, info.reason) if info else ("", "")
        bad_request = _detail(self.status, error_details_pb2.BadRequest)
        self.fields = [violation.field for violation in bad_request.field_violations] if bad_request else []
        self.receipt = _detail(self.status, receipt_pb2.Receipt)
        super().__init__(f"{self.code.name} {self.reason or error.details()}")

    def proof(self, request, key) -> Verified:
        """Verifies the receipt of a refusal: it binds the status without the receipt itself."""
        if self.receipt is None:
            raise ReceiptError("receipt: there is none")
        bare = status_pb2.Status(code=self.status.code, message=self.status.message)
        bare.details.extend(one for one in self.status.details if not one.Is(receipt_pb2.Receipt.DESCRIPTOR))
        return verify(self.receipt, key, _sha256(request), _sha256(bare))


@dataclass(frozen=True)
class Presence:
    """What a presented card opened."""

    token: str
    handle: bytes
    claims: dict
    dependants: tuple[str, ...]
    completed: presence.CompletePresentationRequest
    response: presence.CompletePresentationResponse

    @property
    def sub(self) -> str:
        return self.claims["sub"]


@dataclass(frozen=True)
class Answer:
    """A verified answer, kept with its question."""

    request: eligibility.VerifyEligibilityRequest
    response: eligibility.VerifyEligibilityResponse
    proof: Verified

    def to_json(self) -> str:
        """The file that `verify_answer.py` reads."""
        encoded = {
            "method": "/pmh.eligibility.v1.EligibilityService/VerifyEligibility",
            "request": base64.b64encode(self.request.SerializeToString(deterministic=True)).decode(),
            "response": base64.b64encode(self.response.SerializeToString(deterministic=True)).decode(),
        }
        return json.dumps(encoded, indent=1)


class Terminal:
    """One device of an organization, on its own connection."""

    def __init__(self, sandbox: Sandbox, identity: Identity):
        self.sandbox, self.identity = sandbox, identity
        self.channel = open_channel(sandbox, identity)
        self._presence = presence_grpc.PresenceServiceStub(self.channel)
        self._eligibility = eligibility_grpc.EligibilityServiceStub(self.channel)

    def __enter__(self) -> "Terminal":
        return self

    def __exit__(self, *_) -> None:
        self.channel.close()

    def present(self, card: Card, granted=ALL_GROUPS, act_for="") -> Presence:
        """The counter's first half: challenge, card signature, token."""
        return self.complete(self.begin(card, granted, act_for))

    def begin(self, card: Card, granted=ALL_GROUPS, act_for="") -> presence.CompletePresentationRequest:
        """Asks for a challenge, checks it, lets the card sign; gives what Complete is called with."""
        consent_sha256 = hashlib.sha256(CONSENT_TEXT.encode()).digest()
        request = presence.BeginPresentationRequest(
            terminal_id=self.identity.terminal,
            purposes=PURPOSES,
            scopes=SCOPES,
            offer=presence.ConsentOffer(text_sha256=consent_sha256, groups=ALL_GROUPS),
            wanted=presence.USER_VERIFICATION_PIN,
        )
        begun = self._call(self._presence.BeginPresentation, request)
        expected = challenge.Expected(
            organization=self.identity.organization,
            thumbprint=self.identity.thumbprint,
            terminal=self.identity.terminal,
            purposes=tuple(types_pb2.Purpose.Name(one).removeprefix("PURPOSE_") for one in PURPOSES),
            scopes=SCOPES,
            consent_text_sha256=consent_sha256,
            consent_groups=ALL_GROUPS,
            wanted=presence.USER_VERIFICATION_PIN,
            issuer=self.sandbox.issuer,
        )
        challenge.check(begun.to_be_signed, expected, int(time.time()))
        return presence.CompletePresentationRequest(
            sealed_state=begun.sealed_state,
            jpki=presence.JpkiCredential(certificate_der=card.certificate_der, signature=card.sign(begun.to_be_signed)),
            used=presence.USER_VERIFICATION_PIN,
            answer=presence.ConsentAnswer(groups=granted),
            act_for=act_for,
        )

    def complete(self, request: presence.CompletePresentationRequest) -> Presence:
        response = self._call(self._presence.CompletePresentation, request)
        claims = self._checked_claims(response.token.token)
        verify_answer(
            request,
            response,
            self.sandbox.auth_log,
            requester=self.identity.short,
            method=COMPLETE_PRESENTATION,
            subject=claims["sub"],
        )
        dependants = tuple(dependant.child for dependant in response.dependants)
        return Presence(response.token.token, response.presence, claims, dependants, request, response)

    def verify(self, opened: Presence, request: eligibility.VerifyEligibilityRequest) -> Answer:
        """The counter's second half. An answer without a valid receipt is no answer."""
        response = self.call_with_token(opened.token, request)
        proof = verify_answer(
            request,
            response,
            self.sandbox.gateway_log,
            requester=self.identity.short,
            method=VERIFY_ELIGIBILITY,
            subject=opened.sub,
        )
        if response.subject != opened.sub:
            raise ReceiptError("subject: the answer is about somebody else")
        return Answer(request, response, proof)

    def call_with_token(self, token: str | None, request) -> eligibility.VerifyEligibilityResponse:
        """VerifyEligibility as it stands on the wire, with any token or none."""
        metadata = () if token is None else (("authorization", f"Bearer {token}"),)
        return self._call(self._eligibility.VerifyEligibility, request, metadata)

    def _call(self, method, request, metadata=()):
        try:
            return method(request, timeout=DEADLINE, metadata=metadata)
        except grpc.RpcError as error:
            raise Refused(error) from None

    def _checked_claims(self, token: str) -> dict:
        """Reads the token; its signature is for the gateway to check, whom it is bound to concerns us."""
        payload = token.split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        bound_to = base64.urlsafe_b64encode(self.identity.thumbprint).rstrip(b"=").decode()
        if claims["client_id"] != self.identity.organization or claims["cnf"] != {"x5t#S256": bound_to}:
            raise ValueError("the token is bound to another terminal")
        if not 0 < claims["exp"] - claims["iat"] <= 300:
            raise ValueError("the token lives longer than five minutes")
        return claims


def open_channel(sandbox: Sandbox, identity: Identity) -> grpc.Channel:
    """Mutual TLS; the name is that of the certificate, wherever the sandbox listens."""
    credentials = grpc.ssl_channel_credentials(sandbox.ca_pem, identity.key_pem, identity.chain_pem)
    options = [
        ("grpc.ssl_target_name_override", sandbox.server_name),
        # Each terminal shows its own certificate; connections are not to be shared between them.
        ("grpc.use_local_subchannel_pool", 1),
    ]
    return grpc.secure_channel(sandbox.address, credentials, options)


def _rich_status(error: grpc.RpcError) -> status_pb2.Status:
    metadata = dict(error.trailing_metadata() or ())
    return status_pb2.Status.FromString(metadata.get("grpc-status-details-bin", b""))


def _detail(status: status_pb2.Status, kind):
    for packed in status.details:
        if packed.Is(kind.DESCRIPTOR):
            return kind.FromString(packed.value)
    return None


def _sha256(message) -> bytes:
    return hashlib.sha256(message.SerializeToString(deterministic=True)).digest()


# Registry numbers of methods in the log: audit/src/registry.rs.
COMPLETE_PRESENTATION = 2
VERIFY_ELIGIBILITY = 30
