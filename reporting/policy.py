"""The page's own style and script, and the policy under which a browser lets those work and nothing else."""

import base64
import hashlib
from pathlib import Path


def _own(name: str) -> str:
    """A file beside this module, as it is within its element: on lines of its own."""
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
"""For the answer's header, and in the page itself: nothing that may have got into the page works."""
