"""The API's addresses in its responses."""

from urllib.parse import urlsplit

from adapters.settings import Settings

API = "/api"
"""The prefix of all routes, as host.json has it."""
_THIS_MACHINE = {"localhost": "localhost", "127.0.0.1": "127.0.0.1", "::1": "[::1]"}


def api_address(settings: Settings, request_url: str) -> str:
    """The API's address for links, without a trailing slash: that of the front door, or else the app's own.

    The host of ``request_url`` can be forged, so it is used only if it is this machine (local development). Without any
    address, links are absolute paths.
    """
    return f"{settings.public_url or settings.app_address or _this_machine(request_url)}{API}"


def _this_machine(url: str) -> str:
    """The address of the local server in a URL; empty for any other host and for an invalid URL."""
    try:
        parts = urlsplit(url)
        port = "" if parts.port is None else f":{parts.port}"
    except ValueError:
        return ""
    host = _THIS_MACHINE.get(parts.hostname or "")
    return f"{parts.scheme}://{host}{port}" if host and parts.scheme in {"http", "https"} else ""


def links(audit_id: str, base: str) -> dict[str, str]:
    """The addresses of an audit, its report and its page; ``base`` is from ``api_address``."""
    here = f"{base}/audits/{audit_id}"
    return {"self": here, "report": f"{here}/report", "page": f"{here}/report?format=html"}
