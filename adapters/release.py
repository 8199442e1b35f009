"""The commit that the app was packaged from."""

import re
from functools import cache
from pathlib import Path

_COMMIT = Path(__file__).parents[1] / "commit.txt"
"""Written when the app is packaged (see docs/operations.md), since the package has no ``.git``."""


@cache
def commit(file: Path = _COMMIT) -> str | None:
    """None if the file is missing or holds no commit."""
    try:
        text = file.read_text(encoding="ascii").strip()
    except (OSError, ValueError):
        return None
    return text if re.fullmatch("[0-9a-f]{7,64}", text) else None
