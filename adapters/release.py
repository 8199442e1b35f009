"""What is running: the version, and the commit where the package tells it."""

import re
from functools import cache
from pathlib import Path

_COMMIT = Path(__file__).parents[1] / "commit.txt"
"""Written when the app is packaged (see docs/operations.md): what is published has no ``.git``."""


@cache
def commit(file: Path = _COMMIT) -> str | None:
    """The commit that the app was packaged from; None where nobody wrote it down."""
    try:
        text = file.read_text(encoding="ascii").strip()
    except (OSError, ValueError):
        return None
    return text if re.fullmatch("[0-9a-f]{7,64}", text) else None
