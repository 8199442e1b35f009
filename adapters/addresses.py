"""Checking the web addresses of settings.

No message quotes any part of one, since it may hold a secret by mistake.
"""

import re
from ipaddress import ip_address
from urllib.parse import SplitResult, urlsplit

from reconciliation.errors import SettingsError

SCHEMES = ("https", "http")
_LABEL = r"[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?"
_HOST_NAME = re.compile(rf"(?=.{{1,253}}$){_LABEL}(\.{_LABEL})*\.?")


def web_address(setting: str, text: str, *, query: bool = False) -> str:
    """The address without spaces around it; ``query``: it may have a query string. Raises ``SettingsError``."""
    address = text.strip()
    wrong = trouble(address) or ("has a query (?...)" if "?" in address and not query else "")
    if wrong:
        raise SettingsError(f"The address in {setting} {wrong}: give https://<host>/...")
    return address


def trouble(url: str) -> str:
    """What is wrong with a web address; empty if nothing. Rejects what other programs may parse differently."""
    if not url.isprintable() or " " in url or "\\" in url:
        return "holds characters that no address has"
    parts = _split(url)
    if parts is None or parts.scheme not in SCHEMES or not url.startswith(f"{parts.scheme}://"):
        return "is not an address"
    if "@" in parts.netloc:
        return "has a user or password in it (...@)"
    if "#" in url:
        return "has a fragment (#...)"
    return "" if is_host(parts.hostname or "") else "has an invalid host name"


def _split(url: str) -> SplitResult | None:
    """The parts of an address; None if it cannot be parsed, or has an invalid port."""
    try:
        parts = urlsplit(url)
        return None if parts.port == 0 or parts.netloc.endswith(":") else parts
    except ValueError:
        return None


def is_host(text: str) -> bool:
    """True for a valid host name or IP address."""
    if _HOST_NAME.fullmatch(text):
        return True
    try:
        return "%" not in text and bool(ip_address(text))
    except ValueError:
        return False
