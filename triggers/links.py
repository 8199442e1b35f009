"""Addresses of the API as answers give them."""

from urllib.parse import urlsplit

from adapters.settings import Settings

API = "/api"
"""The prefix of all routes, as host.json has it."""
_THIS_MACHINE = {"localhost": "localhost", "127.0.0.1": "127.0.0.1", "::1": "[::1]"}


def api_address(settings: Settings, asked: str) -> str:
    """Where the API is, for links, without a trailing slash: behind the front door, else at the app's own address.

    What a request says of its host (``asked`` is its URL) can be anything, so only a host that is this machine is
    believed, as it is in local development. Links are paths of the caller's own server where no address is known.
    """
    return f"{settings.public_url or settings.app_address or _this_machine(asked)}{API}"


def _this_machine(url: str) -> str:
    """The address of the local server in a URL; empty if it names any other, or none that can be read."""
    try:
        parts = urlsplit(url)
        port = "" if parts.port is None else f":{parts.port}"
    except ValueError:
        return ""
    host = _THIS_MACHINE.get(parts.hostname or "")
    return f"{parts.scheme}://{host}{port}" if host and parts.scheme in {"http", "https"} else ""


def links(audit_id: str, base: str) -> dict[str, str]:
    """Where an audit, its report and its page are; ``base`` as of ``api_address``."""
    here = f"{base}/audits/{audit_id}"
    return {"self": here, "report": f"{here}/report", "page": f"{here}/report?format=html"}
