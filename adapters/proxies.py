"""The proxy for an address, by the usual variables: ``HTTP_PROXY``, ``HTTPS_PROXY`` and ``NO_PROXY``.

The vendor's clients call the same two functions of the standard library, through aiohttp's ``trust_env``. That costs
two thread switches per request, so here it is done once per address.
"""

from urllib.request import getproxies, proxy_bypass

from yarl import URL

from reconciliation.errors import SettingsError


def proxy_for(address: URL) -> URL | None:
    """The proxy for the address, with its user and password if any; None for a direct connection.

    Raises ``SettingsError`` if the variable's value is not the address of a proxy; the value is not quoted, as it may
    hold a password.
    """
    value = getproxies().get(address.scheme)
    if not value or address.host is None or proxy_bypass(address.host):
        return None
    try:
        proxy = URL(value)
        f"{proxy.user}{proxy.password}".encode("latin-1")  # as they are sent
        if proxy.scheme == "http" and proxy.host and proxy.port:
            return proxy
    except ValueError:
        pass
    raise SettingsError(
        f"{address.scheme.upper()}_PROXY does not hold the address of a proxy that can be used: give http://host:port "
        "(an http:// address also for a proxy of HTTPS traffic), or name the host in NO_PROXY."
    )
