"""report.json as a text that is written and read line by line: its head, then one finding on each line, then the ids of
the subjects that are only counted.

It is one valid JSON document. Reading it line by line keeps memory small for a report of any size.
"""

import json
from collections.abc import Sequence
from typing import Any

from reporting.model import Head

_BEGIN = ' "findings": ['
_FINDINGS_END = " ],"
_END = "}}}"
_to_text = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False).encode


def opening(head: Head) -> str:
    """The document up to its first finding; ends with a line break."""
    text = json.dumps(head, indent=1, ensure_ascii=False)
    return f"{text[:-2]},\n{_BEGIN}\n"


def finding_line(finding: dict[str, Any]) -> str:
    """One finding with its line break. In the document there is a comma before every line but the first."""
    return _to_text(finding) + "\n"


def counted_begin(kind: str) -> str:
    """The text between the findings and the counted subjects, which are of one kind."""
    return f'{_FINDINGS_END}\n "counted": {{"{kind}": {{\n'


def counted_opening(verdict: str, *, first: bool) -> str:
    """The text before the ids of one verdict's counted subjects."""
    return f'{"" if first else ","}"{verdict}": [\n'


def counted_line(ids: Sequence[str]) -> str:
    """Some ids on one line. There is a comma before every line of a verdict but the first."""
    return _to_text(ids)[1:-1] + "\n"


COUNTED_CLOSING = "]\n"
CLOSING = f"{_END}\n"


class ReportReader:
    """Parses a report line by line: ``head`` is available once its last line was read."""

    def __init__(self) -> None:
        self._lines: list[str] = []
        self._head: Head | None = None
        self._findings_ended = False
        self.complete = False

    @property
    def head(self) -> Head:
        """The report without its findings. Raises ``ValueError`` until it was read."""
        if self._head is None:
            raise ValueError("the report ends before its findings begin")
        return self._head

    def read(self, lines: Sequence[str]) -> list[dict[str, Any]]:
        """Read the next lines, without their line breaks; returns the findings on them.

        Raises ``ValueError`` for lines that are not JSON.
        """
        rest = list(lines)
        if self._head is None:
            end = rest.index(_BEGIN) + 1 if _BEGIN in rest else len(rest)
            self._lines += rest[:end]
            rest = rest[end:]
            if self._lines and self._lines[-1] == _BEGIN:
                self._head = json.loads("\n".join([*self._lines, "]}"]))
                self._head.pop("findings")
                self._lines.clear()
        if _END in rest:
            self.complete = True
        if self._findings_ended:
            return []
        if _FINDINGS_END in rest:
            self._findings_ended = True
            del rest[rest.index(_FINDINGS_END) :]
        # One parse of all lines takes a fraction of one parse each.
        findings: list[dict[str, Any]] = json.loads(f"[{''.join(rest).removeprefix(',')}]")
        return findings
