"""What it means when a request over HTTP gets no answer: what may pass, what lasts, and what to do about it."""

import ssl
from dataclasses import dataclass
from http import HTTPStatus

import aiohttp

TEMPORARY = frozenset({408, 429, 500, 502, 503, 504})
"""The statuses that may be another one a moment later."""

# A handshake that was broken off; every other fault of TLS is of one who speaks it otherwise, or not at all.
_BROKEN_OFF = (ssl.SSLEOFError, ssl.SSLZeroReturnError, ssl.SSLSyscallError)


@dataclass(frozen=True)
class Fault:
    """``what`` goes on after who was asked, ``advice`` is sentences or empty; one that ``lasts`` is not tried again."""

    what: str
    advice: str = ""
    lasts: bool = False


_ADDRESS = "Check the address in the settings: its name, its port, and whether it begins with http:// or https://."
_PROXY = "Check HTTP_PROXY and HTTPS_PROXY, or name the host in NO_PROXY."
_BROKEN = Fault("broke the connection")
# The first that holds decides.
_FAULTS: tuple[tuple[type[BaseException], Fault], ...] = (
    (
        aiohttp.ClientConnectorCertificateError,
        Fault(
            "shows a certificate that is not trusted here",
            "Add who issued it to the platform's certificates, or name a file with theirs in SSL_CERT_FILE, and "
            "restart the app; or mend the certificate, if it has expired or is for another name.",
            lasts=True,
        ),
    ),
    (aiohttp.ClientConnectorSSLError, Fault("does not speak TLS as it is spoken here", _ADDRESS, lasts=True)),
    # A resolver that has only just come up, or a zone that is being changed, says the same of a name that exists.
    (
        aiohttp.ClientConnectorDNSError,
        Fault("has a host name that cannot be resolved", f"{_ADDRESS} Check DNS, and that private zones are linked."),
    ),
    (aiohttp.ClientProxyConnectionError, Fault("could not be reached, since the proxy could not be", _PROXY)),
    (aiohttp.InvalidURL, Fault("has an address that cannot be asked", _ADDRESS, lasts=True)),
    (aiohttp.NonHttpUrlClientError, Fault("has an address that cannot be asked", _ADDRESS, lasts=True)),
    (TimeoutError, Fault("did not answer in time")),
    (aiohttp.ClientConnectorError, Fault("could not be reached")),
    # Also how one who speaks TLS takes plain HTTP.
    (
        aiohttp.ServerDisconnectedError,
        Fault("closed the connection without an answer", f"Check its network rules. {_ADDRESS}"),
    ),
    (aiohttp.ClientResponseError, Fault("answered with something that is not HTTP", _ADDRESS)),
)


def fault_of(error: BaseException) -> Fault:
    """Words for what aiohttp raised instead of giving an answer. They hold no address: a URL may carry a secret."""
    if isinstance(error, aiohttp.ClientHttpProxyError):
        what = f"could not be reached, since the proxy answered {error.status}"
        return Fault(what, _PROXY, lasts=error.status not in TEMPORARY)
    if isinstance(error, aiohttp.ClientConnectorSSLError) and isinstance(error.os_error, _BROKEN_OFF):
        return _BROKEN
    return next((fault for kind, fault in _FAULTS if isinstance(error, kind)), _BROKEN)


def is_redirect(status: int) -> bool:
    """True for an answer that leads elsewhere. None is followed: who answers there is not who was to be asked."""
    return HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST
