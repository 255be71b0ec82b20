"""A client certificate for an organization that nobody registered, made from the sandbox's own authority."""

import datetime

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from sandbox import Identity, Sandbox

# No institution has this number: its check digit is wrong.
ORGANIZATION = "urn:x-pmh:org:clinic:1399999999"
TERMINAL = "stranger-1"


def unregistered(sandbox: Sandbox) -> Identity | None:
    """Chain and key that TLS accepts; None if the target does not give its authority away."""
    if sandbox.pki is None:
        return None
    issuer_pem = (sandbox.pki / "institution-issuing.pem").read_bytes()
    issuer_key = serialization.load_pem_private_key((sandbox.pki / "institution-issuing.key.pem").read_bytes(), None)
    key = ec.generate_private_key(ec.SECP256R1())
    leaf = _leaf(x509.load_pem_x509_certificate(issuer_pem).subject, key.public_key()).sign(issuer_key, hashes.SHA256())
    key_pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return Identity(ORGANIZATION, TERMINAL, leaf.public_bytes(serialization.Encoding.PEM) + issuer_pem, key_pem)


def _leaf(issuer: x509.Name, key: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.UTC)
    usage = dict.fromkeys(
        ("content_commitment", "key_encipherment", "data_encipherment", "key_agreement")
        + ("key_cert_sign", "crl_sign", "encipher_only", "decipher_only"),
        False,
    )
    names = [x509.UniformResourceIdentifier(uri) for uri in (ORGANIZATION, f"urn:x-pmh:term:{TERMINAL}")]
    return (
        x509.CertificateBuilder()
        .issuer_name(issuer)
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, TERMINAL)]))
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(minutes=1))
        .not_valid_after(now + datetime.timedelta(hours=1))
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.KeyUsage(digital_signature=True, **usage), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
    )
