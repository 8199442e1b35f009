"""What the run store's blobs are understood as; what is not understood is an error that names the blob."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from adapters.redaction import redacted
from reconciliation.errors import UnreadableError

ReadT = TypeVar("ReadT")
_MOST_CHARACTERS = 200

ODD = (ValueError, TypeError, LookupError, AttributeError, ArithmeticError, RecursionError)
"""What code raises that takes a value for something which it is not."""


def document(value: dict[str, Any]) -> bytes:
    """A JSON document as it is stored."""
    return json.dumps(value, indent=2, ensure_ascii=False).encode()


def read_document(path: str, where: str, data: bytes, read: Callable[[Any], ReadT]) -> ReadT:
    """What ``read`` makes of the JSON document at ``path``. Raises ``UnreadableError`` if that is not possible."""
    with understood(path, where):
        value = json.loads(data)
        # Half a character, or a number beyond all numbers, is JSON that could not be answered or written again.
        json.dumps(value, ensure_ascii=False, allow_nan=False).encode()
        return read(value)


@contextmanager
def understood(path: str, where: str) -> Iterator[None]:
    """Turn whatever the reading of a damaged or foreign blob raises into ``UnreadableError``."""
    try:
        yield
    except UnreadableError:
        raise
    except ODD as error:
        why = str(error) if isinstance(error, ValueError) else f"it is not what this release writes ({_name(error)})"
        raise UnreadableError(path, where, redacted(why, _MOST_CHARACTERS)) from error


def _name(error: BaseException) -> str:
    return type(error).__name__
