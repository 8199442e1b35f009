"""A buffer for the rows of a report until its head can be written."""

from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from datetime import datetime
from operator import itemgetter
from tempfile import SpooledTemporaryFile
from types import TracebackType
from typing import IO, Any, TypeVar

from reconciliation.finding import Finding
from reconciliation.rules import SEVERITY_ORDER, Kind, Severity
from reporting.document import (
    CLOSING,
    COUNTED_CLOSING,
    counted_begin,
    counted_line,
    counted_opening,
    finding_line,
    opening,
)
from reporting.look_up import NamesToLookUp
from reporting.model import Head

_IN_MEMORY_BYTES = 1024 * 1024
_CHUNK_BYTES = 256 * 1024
_IDS_ON_A_LINE = 500
_KeyT = TypeVar("_KeyT")


class Spools:
    """Findings by severity, and ids of counted subjects by verdict; on disk if there are many.

    Of findings with a due date in the future only the dates are in memory, with their places on disk. ``names`` are
    the ids by which people know the subjects of the findings.
    """

    def __init__(self, now: datetime, counted_kind: Kind[Any]) -> None:
        self._now = now
        self._counted_kind = counted_kind
        self.names = NamesToLookUp()
        self._files = ExitStack()
        self._dated: dict[Severity, IO[bytes]] = {}
        self._dues: dict[Severity, list[tuple[float, int, int]]] = {}
        self._findings: dict[Severity, IO[bytes]] = {}
        self._counted: dict[str, IO[bytes]] = {}
        self._ids: dict[str, list[str]] = {}

    def __enter__(self) -> "Spools":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._files.close()

    def add(self, finding: Finding[Any], change: str | None) -> None:
        """Add a finding; within a severity those with a due date in the future come first, then the others in order."""
        line, severity = finding_line(finding.to_json(change)).encode(), finding.judgement.severity
        due = finding.due
        if due is None or due <= self._now:
            self._spool(self._findings, severity).write(line)
        else:
            spool = self._spool(self._dated, severity)
            self._dues.setdefault(severity, []).append((due.timestamp(), spool.tell(), len(line)))
            spool.write(line)
        self.names.add(finding)

    def count(self, kind: str, verdict: str, subjects: Iterable[str]) -> None:
        """Add the ids of subjects that are only counted, if a report holds those of their kind."""
        if kind != self._counted_kind.name or not self._counted_kind.keeps_ids:
            return
        ids = self._ids.setdefault(verdict, [])
        ids += subjects
        while len(ids) >= _IDS_ON_A_LINE:
            self._write_ids(verdict)

    def document(self, head: Head) -> Iterator[bytes]:
        """report.json in chunks, the most urgent findings first, within a severity the soonest due. To be used once."""
        for verdict, ids in self._ids.items():
            if ids:
                self._write_ids(verdict)
        yield opening(head).encode()
        yield from _joined([spool for severity in SEVERITY_ORDER for spool in self._in_order(severity)])
        yield counted_begin(self._counted_kind.name).encode()
        for number, (verdict, spool) in enumerate(sorted(self._counted.items())):
            yield counted_opening(verdict, first=number == 0).encode()
            yield from _joined([spool])
            yield COUNTED_CLOSING.encode()
        yield CLOSING.encode()

    def _in_order(self, severity: Severity) -> Iterator[IO[bytes]]:
        if severity in self._dated:
            dated, in_order = self._dated[severity], self._spool({}, severity)
            for _, offset, length in sorted(self._dues[severity], key=itemgetter(0)):
                dated.seek(offset)
                in_order.write(dated.read(length))
            yield in_order
        if severity in self._findings:
            yield self._findings[severity]

    def _write_ids(self, verdict: str) -> None:
        ids = self._ids[verdict]
        self._spool(self._counted, verdict).write(counted_line(ids[:_IDS_ON_A_LINE]).encode())
        del ids[:_IDS_ON_A_LINE]

    def _spool(self, spools: dict[_KeyT, IO[bytes]], key: _KeyT) -> IO[bytes]:
        if key not in spools:
            spools[key] = self._files.enter_context(SpooledTemporaryFile(_IN_MEMORY_BYTES))  # noqa: SIM115 - closed by the stack
        return spools[key]


def _joined(spools: list[IO[bytes]]) -> Iterator[bytes]:
    """The lines of all spools, with a comma before every line but the first."""
    comma = b""
    for spool in spools:
        spool.seek(0)
        while lines := spool.readlines(_CHUNK_BYTES):
            yield comma + b",".join(lines)
            comma = b","
