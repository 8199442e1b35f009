"""The address and key of the service, and removing the key from everything that is printed."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import Final
from urllib.parse import quote

import httpx

from auditctl.errors import BadUsageError
from auditctl.program import command_line

DEFAULT_URL: Final = "http://127.0.0.1:7071/api"
URL_VARIABLE: Final = "AUDITCTL_URL"
KEY_VARIABLE: Final = "AUDITCTL_KEY"

REMOVED: Final = "[removed]"
# No key that Azure issues is shorter; removing shorter texts would damage words and ids.
SHORTEST_SECRET: Final = 8
_HOST: Final = re.compile(r"[a-z0-9._:-]+")
_SECRET_PARAMETER: Final = re.compile(r"(?i)([?&](?:code|sig|key|token|access_token|x-functions-key)=)[^&#\s\"'<>]+")


@dataclass(frozen=True)
class Service:
    """One audit service: its API's address without a trailing slash, and the function key if there is one.

    ``commands_need_url`` says that the address came from ``--url``, so that suggested commands must repeat it.
    """

    address: str
    key: str | None = field(default=None, repr=False)
    commands_need_url: bool = False

    def command(self, *words: str) -> str:
        """An ``auditctl`` command line for this service that can be pasted into a shell as it is."""
        url = ("--url", self.address) if self.commands_need_url else ()
        return command_line(*url, *words)

    def audit_url(self, audit_id: str) -> str:
        return f"{self.address}/audits/{quote(audit_id, safe='')}"

    def report_url(self, audit_id: str) -> str:
        return f"{self.audit_url(audit_id)}/report"

    def get_report(self, audit_id: str) -> str:
        """The command that saves an audit's report as HTML."""
        return self.command("report", audit_id, "--format", "html", "--output", f"audit-{audit_id}.html")

    def page_url(self, link: str | None) -> str | None:
        """The full address of a link in a response; None if no browser can open it.

        A browser has no function key, so a link to the service's own host needs ``get_report`` instead if there is a
        key; a link to another host (a front door) does not.
        """
        here = httpx.URL(self.address)
        try:
            url = here.join(link or "")
        except (httpx.InvalidURL, ValueError):
            return None
        needs_key = self.key is not None and url.host == here.host
        return str(url) if link and url.scheme in ("http", "https") and not needs_key else None

    @property
    def is_loopback(self) -> bool:
        """Whether the service runs on this machine."""
        host = httpx.URL(self.address).host
        try:
            return ip_address(host).is_loopback
        except ValueError:
            return host == "localhost" or host.endswith(".localhost")

    def without_secrets(self, value: object) -> object:
        """The same JSON value (or text) without the function key and without keys in the queries of URLs."""
        if isinstance(value, str):
            return without_key(_SECRET_PARAMETER.sub(rf"\g<1>{REMOVED}", value), self.key)
        if isinstance(value, list):
            return [self.without_secrets(item) for item in value]
        if isinstance(value, dict):
            return {str(self.without_secrets(name)): self.without_secrets(item) for name, item in value.items()}
        return value


def without_key(text: str, key: str | None) -> str:
    """The text with every occurrence of the key removed."""
    return text.replace(key, REMOVED) if key and len(key) >= SHORTEST_SECRET else text


def key_from(environment: Mapping[str, str]) -> str | None:
    return environment.get(KEY_VARIABLE, "").strip() or None


def service_from(url_option: str | None, environment: Mapping[str, str]) -> Service:
    """The service that ``--url`` or the environment names, with the key from the environment.

    Raises BadUsageError, without the address or key in it, since either may hold a secret.
    """
    source = "--url" if url_option is not None else URL_VARIABLE
    text = url_option if url_option is not None else environment.get(URL_VARIABLE, "").strip() or DEFAULT_URL
    key = key_from(environment)
    service = Service(_address(text, source, key), key, commands_need_url=url_option is not None)
    if key is not None and not (key.isascii() and key.isprintable()):
        raise BadUsageError(
            f"The key in {KEY_VARIABLE} holds characters that an HTTP header cannot carry.",
            where=f"environment variable {KEY_VARIABLE}",
            next_step="Copy the function key again; it is one line of letters, digits and -_=.",
        )
    if key is not None and service.address.startswith("http:") and not service.is_loopback:
        raise BadUsageError(
            f"The key in {KEY_VARIABLE} would travel unencrypted to another machine.",
            where=service.address,
            next_step=f"Use the service's https:// address, or unset {KEY_VARIABLE}.",
        )
    return service


def _address(text: str, source: str, key: str | None) -> str:
    try:
        url = httpx.URL(text.strip())
    except (httpx.InvalidURL, ValueError):
        url = httpx.URL("")
    if url.scheme not in ("http", "https") or not _HOST.fullmatch(url.raw_host.decode()):
        raise BadUsageError(
            "The service's address is not an http:// or https:// URL.",
            where=source,
            next_step=f"Give the API's address, such as {DEFAULT_URL}.",
        )
    if url.userinfo or url.query or url.fragment or without_key(str(url), key) != str(url):
        raise BadUsageError(
            "The service's address carries a user name, a query, a fragment or a key; it must carry none of them.",
            where=source,
            next_step=f"Give the address up to /api only, and put the function key in {KEY_VARIABLE}.",
        )
    return str(url).rstrip("/")
