"""What the document holds, as the tests expect it there."""

import re
from collections.abc import Sequence


def table(heads: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    """A table as it stands in the document."""
    lines = [heads, tuple("---" for _ in heads), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


def in_one_line(markdown: str) -> str:
    """A text without its line breaks."""
    return re.sub(r"\s+", " ", markdown).strip()
