"""The proxy on the way to an address, by the usual variables: ``HTTP_PROXY``, ``HTTPS_PROXY`` and ``NO_PROXY``.

The vendor's clients ask the same two functions of the standard library, through aiohttp's ``trust_env``. That costs two
trips to a thread for every request, so here an address asks once.
"""

from urllib.request import getproxies, proxy_bypass

from yarl import URL

from reconciliation.errors import SettingsError


def proxy_for(address: URL) -> URL | None:
    """The proxy to ask instead of the address, with the name and password it may need; None: ask directly.

    Raises ``SettingsError`` if what the variable holds is no address of a proxy; it is not quoted, as it may hold a
    password.
    """
    told = getproxies().get(address.scheme)
    if not told or address.host is None or proxy_bypass(address.host):
        return None
    try:
        proxy = URL(told)
        if proxy.scheme == "http" and proxy.host and proxy.port:
            return proxy
    except ValueError:
        pass
    raise SettingsError(
        f"{address.scheme.upper()}_PROXY does not hold the address of a proxy that can be used: give http://host:port "
        "(a proxy for https is spoken to like that too), or name the host in NO_PROXY."
    )
