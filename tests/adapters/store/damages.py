"""What somebody, or a later release, may leave where an artefact was."""

import gzip
import json
from collections.abc import Callable, Iterator
from typing import Any

PACKED: dict[str, Callable[[bytes], bytes]] = {
    "cut": lambda whole: whole[:-4],
    "cut in its second member": lambda whole: whole + whole[:12],
    "not packed": gzip.decompress,
    "cut before it was packed": lambda whole: gzip.compress(gzip.decompress(whole)[:-3]),
    "no JSON": lambda whole: gzip.compress(gzip.decompress(whole) + b"\xff\xfe\n"),
    "of another kind": lambda whole: gzip.compress(gzip.decompress(whole) + b"7\n"),
}
"""Of a file of JSON lines."""


def documents(whole: dict[str, Any], *, may_be_texts: set[str], may_be_missing: set[str]) -> Iterator[bytes]:
    """Of a JSON document: other bytes, a later schema, and every member as a text that says nothing, and as null."""
    yield from (
        b"",
        b"{",
        b"[]",
        b"null",
        b"\xff",
        json.dumps(whole | {"schema_version": whole["schema_version"] + 1}).encode(),
    )
    for member in whole.keys() - {"complete"} - may_be_texts:
        yield json.dumps(whole | {member: "x\x00"}).encode()
    for member in whole.keys() - {"complete"} - may_be_missing:
        yield json.dumps(whole | {member: None}).encode()
