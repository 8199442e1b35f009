"""The HTTP APIs of settings: an address, and a token or a user's password.

No message quotes any part of a value, since it may hold a secret by mistake.
"""

import base64
import re
from dataclasses import dataclass, field
from ipaddress import ip_address
from urllib.parse import urlsplit

from adapters.addresses import web_address
from reconciliation.errors import SettingsError

_PATH = re.compile(r"(/(?!\.{1,2}(/|$))[A-Za-z0-9._~-]+)*")
_TOKEN = re.compile(r"[!-~]+")


@dataclass(frozen=True)
class ApiConnection:
    """How to reach an HTTP API: its address (no trailing slash), and a bearer token or a ``user:password``, if any."""

    setting: str
    url: str
    bearer_token: str | None = field(default=None, repr=False)
    basic_auth: str | None = field(default=None, repr=False)

    @property
    def shown(self) -> str:
        """Its host and path, by which reports name it."""
        parts = urlsplit(self.url)
        return f"{parts.netloc}{parts.path}"

    @property
    def authorization(self) -> str | None:
        """The ``Authorization`` header; None if it has none."""
        if self.bearer_token is not None:
            return f"Bearer {self.bearer_token}"
        if self.basic_auth is not None:
            return f"Basic {base64.b64encode(self.basic_auth.encode()).decode()}"
        return None

    @property
    def secrets(self) -> tuple[str, ...]:
        """The texts that nobody may see."""
        password = (self.basic_auth or "").partition(":")[2]
        header = (self.authorization or "").partition(" ")[2]
        return tuple(filter(None, (self.bearer_token, self.basic_auth, password, header)))


def api_connection(setting: str, text: str, bearer_token: str | None, basic_auth: str | None) -> ApiConnection:
    """An API by the texts of ``<setting>``, ``<setting>__bearerToken`` and ``<setting>__basicAuth``.

    Raises ``SettingsError``: the setting, what is wrong with it, what to give.
    """
    url = web_address(setting, text).rstrip("/")
    parts = urlsplit(url)
    if not _PATH.fullmatch(parts.path):
        raise SettingsError(f"The address in {setting} has a path that no API has: give https://<host>/...")
    if bearer_token is not None and basic_auth is not None:
        raise SettingsError(f"{setting}__bearerToken and {setting}__basicAuth are both set: keep one")
    if bearer_token is not None and not _TOKEN.fullmatch(bearer_token):
        raise SettingsError(f"{setting}__bearerToken holds characters that no token has: copy it again")
    if basic_auth is not None and not (basic_auth.partition(":")[2] and basic_auth.isprintable()):
        raise SettingsError(f"{setting}__basicAuth is not a user and a password: give user:password")
    if (bearer_token or basic_auth) and parts.scheme == "http" and not _is_loopback(parts.hostname or ""):
        raise SettingsError(
            f"The address in {setting} is a plain http:// one, and the credentials would travel openly: give "
            "https://<host>/..."
        )
    return ApiConnection(setting, url, bearer_token, basic_auth)


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False
