"""The finished world, and what an audit must say of it."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal, NamedTuple, Self

from dev.demo.prodlike.media import Blobs
from dev.demo.prodlike.rows import Rows

Kind = Literal["capture_session", "container", "recording"]
Mode = Literal["full", "fast"]


class Subject(NamedTuple):
    """What a verdict is about."""

    kind: Kind
    id: str


@dataclass(frozen=True)
class Dataset:
    """Rows, containers with their blobs by name, and every verdict that is due.

    ``full`` and ``fast`` hold the verdict of every subject that an audit of that mode judges, listed or only counted,
    when it asks for everything, reads everything and knows nothing of the ingest account. ``severities`` holds the
    severity where a verdict's usual one does not tell it or is worth proving. ``reasons`` says of each planted subject
    why it is so. ``encode_lost`` are the sessions that are ``encode_lost`` to an audit that also knows ``ingest``.
    ``personal`` are words of names and references that stand in the data and must never stand in anything we write.
    """

    now: datetime
    rows: Rows
    containers: Mapping[str, Blobs]
    ingest: Mapping[str, Blobs]
    full: Mapping[Subject, str]
    fast: Mapping[Subject, str]
    severities: Mapping[Subject, str]
    reasons: Mapping[Subject, str]
    encode_lost: frozenset[Subject]
    personal: tuple[str, ...]

    @property
    def expected(self) -> Mapping[Subject, str]:
        """The verdicts of a full audit."""
        return self.full

    def knowing_ingest(self) -> Self:
        """The same world for an audit that is shown the ingest account too."""
        lost = dict.fromkeys(self.encode_lost, "encode_lost")
        return replace(self, full={**self.full, **lost}, fast={**self.fast, **lost})

    def verdicts(self, mode: Mode) -> Mapping[Subject, str]:
        """The verdicts of an audit of that mode."""
        return self.full if mode == "full" else self.fast
