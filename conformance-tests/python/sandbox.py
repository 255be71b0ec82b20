"""`sandbox.json`: where the gateway is, and the test organizations and cards to use."""

import json
import pathlib
from dataclasses import dataclass

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

from note import VerifierKey


@dataclass(frozen=True)
class Identity:
    """A client certificate with its key: one terminal of one organization."""

    organization: str
    terminal: str
    chain_pem: bytes
    key_pem: bytes

    @property
    def thumbprint(self) -> bytes:
        """SHA-256 of the leaf, DER."""
        return x509.load_pem_x509_certificate(self.chain_pem).fingerprint(hashes.SHA256())

    @property
    def short(self) -> str:
        """`<kind>:<code>`, as entries of the log name an organization."""
        return self.organization.removeprefix("urn:x-pmh:org:")


@dataclass(frozen=True)
class Card:
    """A card that signs (in the sandbox, a file)."""

    name: str
    certificate_der: bytes
    key_pem: bytes
    scenario: str
    expected: str

    def sign(self, to_be_signed: bytes) -> bytes:
        """RSA PKCS#1 v1.5 with SHA-256, or ECDSA P-384 with SHA-384, as the card's key demands."""
        key = serialization.load_pem_private_key(self.key_pem, password=None)
        if isinstance(key, rsa.RSAPrivateKey):
            return key.sign(to_be_signed, padding.PKCS1v15(), hashes.SHA256())
        return key.sign(to_be_signed, ec.ECDSA(hashes.SHA384()))


@dataclass(frozen=True)
class Sandbox:
    address: str
    server_name: str
    ca_pem: bytes
    gateway_log: VerifierKey
    auth_log: VerifierKey
    terminals: tuple[Identity, ...]
    cards: tuple[Card, ...]
    witnesses: tuple[str, ...]
    issuer: str | None
    pki: pathlib.Path | None
    web: str | None

    @classmethod
    def load(cls, file: pathlib.Path) -> "Sandbox":
        content = json.loads(file.read_text(encoding="utf-8"))
        if content["version"] != 1:
            raise ValueError("sandbox.json has a version that this client does not know")
        folder = file.parent

        def read(name: str) -> bytes:
            return (folder / name).read_bytes()

        return cls(
            address=content["address"],
            server_name=content["server_name"],
            ca_pem=read(content["ca"]),
            gateway_log=VerifierKey.parse(content["log_vkey"]),
            auth_log=VerifierKey.parse(content["auth_log_vkey"]),
            terminals=tuple(
                Identity(organization["urn"], terminal["id"], read(terminal["cert"]), read(terminal["key"]))
                for organization in content["organizations"]
                for terminal in organization["terminals"]
            ),
            cards=tuple(
                Card(card["name"], read(card["cert"]), read(card["key"]), card["scenario"], card["expected"])
                for card in content["cards"]
            ),
            witnesses=tuple(content.get("witnesses", ())),
            issuer=content.get("issuer"),
            pki=folder / content["pki"] if "pki" in content else None,
            web=content.get("web"),
        )

    def terminal(self, kind: str, number: int = 0) -> Identity:
        """A terminal of an organization of this kind."""
        return [one for one in self.terminals if one.short.startswith(f"{kind}:")][number]

    def card(self, expected: str) -> Card:
        """A card whose scenario ends like this."""
        return next(card for card in self.cards if card.expected == expected)
