import ssl
from socket import gaierror

import aiohttp
import pytest
from aiohttp.client_reqrep import ConnectionKey

from adapters.listing.connection import BrokenError, NotHttpError, UnansweredError
from adapters.listing.opening import ProxyRefusedError, ProxyUnreachableError, UnreachableError
from adapters.network_faults import fault_of, is_redirect

KEY = ConnectionKey("s3cr3t.example", 443, is_ssl=True, ssl=True, proxy=None, proxy_auth=None, proxy_headers_hash=None)
WRONG = ssl.SSLError(1, "[SSL: WRONG_VERSION_NUMBER] wrong version number")


@pytest.mark.parametrize(
    ("error", "what", "lasts"),
    [
        (aiohttp.ClientConnectorCertificateError(KEY, ssl.SSLCertVerificationError()), "certificate", True),
        (aiohttp.ClientConnectorSSLError(KEY, WRONG), "TLS", True),
        (aiohttp.ClientConnectorSSLError(KEY, ssl.SSLEOFError()), "broke", False),
        (aiohttp.ClientConnectorSSLError(KEY, ssl.SSLZeroReturnError()), "broke", False),
        (aiohttp.ClientConnectorDNSError(KEY, OSError()), "cannot be resolved", False),
        (aiohttp.ClientConnectorError(KEY, OSError()), "could not be reached", False),
        (aiohttp.ClientProxyConnectionError(KEY, OSError()), "proxy", False),
        (aiohttp.InvalidURL("https://s3cr3t.example"), "an invalid address", True),
        (aiohttp.NonHttpUrlClientError("ftp://s3cr3t.example"), "an invalid address", True),
        (aiohttp.ServerDisconnectedError("s3cr3t"), "closed the connection", False),
        (aiohttp.ClientPayloadError("s3cr3t"), "broke", False),
        (aiohttp.ConnectionTimeoutError("s3cr3t"), "in time", False),
        (TimeoutError("s3cr3t"), "in time", False),
        (ConnectionResetError("s3cr3t"), "broke", False),
        (RuntimeError("s3cr3t"), "broke", False),
        (ssl.SSLCertVerificationError("s3cr3t"), "certificate", True),
        (WRONG, "TLS", True),
        (ssl.SSLEOFError("s3cr3t"), "broke", False),
        (gaierror("s3cr3t"), "cannot be resolved", False),
        (UnreachableError("s3cr3t"), "could not be reached", False),
        (ProxyUnreachableError("s3cr3t"), "proxy", False),
        (ProxyRefusedError(407), "the proxy answered 407", True),
        (ProxyRefusedError(503), "the proxy answered 503", False),
        (UnansweredError("s3cr3t"), "closed the connection", False),
        (BrokenError("s3cr3t"), "broke", False),
        (NotHttpError("s3cr3t"), "not HTTP", False),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else None,
)
def test_what_it_is_and_whether_it_lasts(error: Exception, what: str, lasts: bool) -> None:
    fault = fault_of(error)
    assert what in fault.what
    assert fault.lasts is lasts
    assert fault.advice or not lasts
    assert "s3cr3t" not in f"{fault}"


def test_which_statuses_lead_elsewhere() -> None:
    assert [status for status in range(100, 600) if is_redirect(status)] == list(range(300, 400))
