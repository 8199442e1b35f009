"""Formatting numbers for a reader."""

from reconciliation.wording import plural

_UNITS = ("kB", "MB", "GB", "TB")
_STEP = 1000


def thousands(count: int) -> str:
    """``1,234``."""
    return f"{count:,}"


def size(count: int) -> str:
    """``512 bytes``, ``41.0 kB``, ``1.3 GB``: three digits are enough to compare."""
    if count < _STEP:
        return plural(count, "byte")
    power = min((len(str(count)) - 1) // 3, len(_UNITS))
    return f"{count / _STEP**power:,.1f} {_UNITS[power - 1]}"
