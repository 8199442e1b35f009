"""A server's end of TLS."""

import ssl

from dev.devstack.fast_stub.certificate import Certificate


def serving(certificate: Certificate) -> ssl.SSLContext:
    """What a server needs to show the certificate."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate.chain, certificate.key)
    return context
