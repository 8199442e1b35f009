"""The page's own style and script, and the content security policy that allows only these."""

import base64
import hashlib
from pathlib import Path


def _own(name: str) -> str:
    """A file next to this module, as it is inside its HTML element: after a line break."""
    return f"\n{(Path(__file__).parent / name).read_text(encoding='utf-8')}"


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


STYLE = _own("report.css")
SCRIPT = _own("report.js")
CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'none'",
        f"script-src {_hash(SCRIPT)}",
        f"style-src {_hash(STYLE)}",
        "base-uri 'none'",
        "form-action 'none'",
    )
)
"""For the response's header and the page itself: injected scripts and styles do not work."""
