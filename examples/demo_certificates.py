"""A certificate authority made for the occasion, and a certificate for localhost signed by it."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

__all__ = ["Certificates", "write_certificates"]

LIFETIME = timedelta(days=7)


@dataclass(frozen=True)
class Certificates:
    """Where the authority's certificate, the server's certificate and the server's key lie (PEM)."""

    authority: Path
    certificate: Path
    key: Path


def write_certificates(folder: Path) -> Certificates:
    """Make an authority whose key is forgotten at once, and a certificate for localhost and 127.0.0.1."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    authority_key, server_key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    authority = _sign("escrow demo authority", authority_key.public_key(), "escrow demo authority", authority_key)
    certificate = _sign("localhost", server_key.public_key(), "escrow demo authority", authority_key)
    written = Certificates(folder / "authority.pem", folder / "server.pem", folder / "server.key")
    written.authority.write_bytes(authority.public_bytes(serialization.Encoding.PEM))
    written.certificate.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    written.key.touch(mode=0o600)
    written.key.write_bytes(
        server_key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    return written


def _sign(
    subject: str, public_key: ec.EllipticCurvePublicKey, issuer: str, signing_key: ec.EllipticCurvePrivateKey
) -> x509.Certificate:
    is_authority = subject == issuer
    now = datetime.now(UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(_name(subject))
        .issuer_name(_name(issuer))
        .public_key(public_key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=5))
        .not_valid_after(now + LIFETIME)
        .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public_key), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signing_key.public_key()), critical=False)
        .add_extension(_usage(is_authority), critical=True)
    )
    if not is_authority:
        hosts = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
        builder = builder.add_extension(x509.SubjectAlternativeName(hosts), critical=False)
        builder = builder.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
    return builder.sign(signing_key, hashes.SHA256())


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _usage(is_authority: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not is_authority,
        key_cert_sign=is_authority,
        crl_sign=is_authority,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )
