"""JSON in one form only, so that a digest of it stands for what it says."""

import json
from hashlib import sha256
from typing import Any


def canonical(value: Any) -> bytes:
    """The bytes of a JSON value: members by name, no blanks, UTF-8. Equal values give equal bytes.

    Raises ``TypeError`` for a number with a fraction, whose text is not the same everywhere, and for anything that JSON
    does not have; ``ValueError`` for a text that UTF-8 cannot hold.
    """
    _check(value)
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()


def digest_of(data: bytes) -> str:
    """The SHA-256 of some bytes: 64 lower-case hex digits."""
    return sha256(data).hexdigest()


def _check(value: Any) -> None:
    match value:
        case str() | bool() | int() | None:
            return
        case list() | tuple():
            for item in value:
                _check(item)
        case dict():
            for name, member in value.items():
                if not isinstance(name, str):
                    raise TypeError(f"a member is called {name!r}, which is no text")
                _check(member)
        case _:
            raise TypeError(f"{type(value).__name__} has no canonical JSON")
