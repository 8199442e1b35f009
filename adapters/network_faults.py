"""HTTP requests without a response: whether the failure is temporary or permanent, and what to do about it."""

import ssl
from dataclasses import dataclass
from http import HTTPStatus
from socket import gaierror

import aiohttp

from adapters.listing.connection import NotHttpError, UnansweredError
from adapters.listing.opening import ProxyRefusedError, ProxyUnreachableError, UnreachableError

TEMPORARY = frozenset({408, 429, 500, 502, 503, 504})
"""The statuses that are worth a retry."""

# A handshake that was broken off; every other TLS error is permanent.
_BROKEN_OFF = (ssl.SSLEOFError, ssl.SSLZeroReturnError, ssl.SSLSyscallError)


@dataclass(frozen=True)
class Fault:
    """``what`` follows the server's name in a sentence, ``advice`` is sentences or empty; ``lasts``: do not retry."""

    what: str
    advice: str = ""
    lasts: bool = False


_ADDRESS = "Check the address in the settings: its name, its port, and whether it begins with http:// or https://."
_PROXY = "Check HTTP_PROXY and HTTPS_PROXY, or name the host in NO_PROXY."
_BROKEN = Fault("broke the connection")
# The first match decides. aiohttp's errors of TLS are those of ssl, too.
_FAULTS: tuple[tuple[type[BaseException] | tuple[type[BaseException], ...], Fault], ...] = (
    (
        ssl.SSLCertVerificationError,
        Fault(
            "shows a certificate that is not trusted here",
            "Add who issued it to the platform's certificates, or name a file with theirs in SSL_CERT_FILE, and "
            "restart the app; or mend the certificate, if it has expired or is for another name.",
            lasts=True,
        ),
    ),
    (ssl.SSLError, Fault("could not agree on TLS with this app", _ADDRESS, lasts=True)),
    # Temporary: a resolver that has just started, or a zone that is being changed, gives the same error.
    (
        (gaierror, aiohttp.ClientConnectorDNSError),
        Fault("has a host name that cannot be resolved", f"{_ADDRESS} Check DNS, and that private zones are linked."),
    ),
    (
        (ProxyUnreachableError, aiohttp.ClientProxyConnectionError),
        Fault("could not be reached, since the proxy could not be", _PROXY),
    ),
    (aiohttp.InvalidURL, Fault("has an invalid address", _ADDRESS, lasts=True)),
    (aiohttp.NonHttpUrlClientError, Fault("has an invalid address", _ADDRESS, lasts=True)),
    (TimeoutError, Fault("did not answer in time")),
    ((UnreachableError, aiohttp.ClientConnectorError), Fault("could not be reached")),
    # Also what a TLS server does with plain HTTP.
    (
        (UnansweredError, aiohttp.ServerDisconnectedError),
        Fault("closed the connection without an answer", f"Check its network rules. {_ADDRESS}"),
    ),
    (
        (NotHttpError, aiohttp.ClientResponseError),
        Fault("answered with something that is not HTTP", _ADDRESS),
    ),
)


def fault_of(error: BaseException) -> Fault:
    """The description of an error of aiohttp, or of the listing's own connections, without addresses, since a URL may
    hold a secret.
    """
    if isinstance(error, (ProxyRefusedError, aiohttp.ClientHttpProxyError)):
        what = f"could not be reached, since the proxy answered {error.status}"
        return Fault(what, _PROXY, lasts=error.status not in TEMPORARY)
    reason = error.os_error if isinstance(error, aiohttp.ClientConnectorSSLError) else error
    if isinstance(reason, _BROKEN_OFF):
        return _BROKEN
    return next((fault for kind, fault in _FAULTS if isinstance(error, kind)), _BROKEN)


def is_redirect(status: int) -> bool:
    """True for a redirect. None is followed: its target is not the configured server."""
    return HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST
