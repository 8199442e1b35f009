"""The API's description as one OpenAPI 3.1 document."""

from typing import Any

from reconciliation import VERSION
from triggers.openapi.components import Profiles, components
from triggers.openapi.paths import PATHS


def document(profiles: Profiles) -> dict[str, Any]:
    """The description of an app that audits these profiles."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "capture-audit",
            "version": VERSION,
            "summary": "Finds what a database and storage say differently, and proves that it looked everywhere.",
            "description": (
                "Refusals are problem documents (RFC 9457). A path that is not listed here, or another method, is "
                "answered by the Functions host: 404 without a body."
            ),
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [{"url": "/api", "description": "The app that gave this document."}],
        "security": [{"header": []}, {"query": []}],
        "paths": PATHS,
        "components": {
            "schemas": components(profiles),
            "securitySchemes": {
                "header": {
                    "type": "apiKey",
                    "in": "header",
                    "name": "x-functions-key",
                    "description": "A function key.",
                },
                "query": {
                    "type": "apiKey",
                    "in": "query",
                    "name": "code",
                    "description": "The same in the address, where it is logged: prefer the header.",
                },
            },
        },
    }
