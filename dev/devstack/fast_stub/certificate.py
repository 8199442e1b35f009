"""A certificate by an authority that nobody trusts unless he is told to."""

import ipaddress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple
from uuid import uuid4

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from dev.devstack.azurite import HOST

AUTHORITY = "ca.pem"


class Certificate(NamedTuple):
    """Files in PEM form: the authority to trust, the certificate, and its key."""

    authority: Path
    chain: Path
    key: Path


def make_certificate(folder: Path, *hosts: str) -> Certificate:
    """A new authority and a certificate by it for ``hosts``, or for this machine, for a year, as files of a folder."""
    made = Certificate(folder / AUTHORITY, folder / "chain.pem", folder / "key.pem")
    of_authority, of_server = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    name, hosts = f"authority {uuid4()}", hosts or (HOST, "localhost")
    authority = _named(name, name, of_authority)
    authority = authority.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    server = _named(hosts[0], name, of_server)
    names = x509.SubjectAlternativeName([_name_of(host) for host in hosts])
    server = server.add_extension(names, critical=False)
    server = server.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
    for path, builder in ((made.authority, authority), (made.chain, server)):
        path.write_bytes(builder.sign(of_authority, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
    made.key.write_bytes(
        of_server.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    return made


def _name_of(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _named(subject: str, issuer: str, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, subject)]))
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, issuer)]))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=365))
    )
