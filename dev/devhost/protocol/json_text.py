"""JSON text as the .NET side of the real host writes it: it parses and prints every payload that passes through."""

import json
import re
from typing import Any

_EXPONENT = re.compile(r'"(?:[^"\\]|\\.)*"|(-?\d+(?:\.\d+)?)e([+-]\d+)')
_ESCAPED = re.compile("[\u0085\u2028\u2029\ud800-\udfff]")


def compact(value: Any) -> str:
    """Print a JSON value without blanks, non-ASCII as it is, exponents with a capital E (``1E+20``)."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    if "e+" in text or "e-" in text:
        text = _EXPONENT.sub(lambda m: m[0] if m[1] is None else f"{m[1]}E{m[2]}", text)
    return _ESCAPED.sub(lambda m: f"\\u{ord(m[0]):04x}", text)


def rewrite(text: str) -> str:
    """Parse and print again. Raises ValueError for text that is not JSON."""
    return compact(json.loads(text))


def parse_or_text(text: str | None) -> Any:
    """The value of a JSON text; the text itself where it is not JSON; None for None."""
    if text is None:
        return None
    try:
        return json.loads(text)
    except ValueError:
        return text
