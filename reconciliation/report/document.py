"""report.json as a text that is written and read line by line: its head, then one finding on each line.

It is one valid JSON document all the same. Reading it a line at a time keeps a report of any size out of memory.
"""

import json
from typing import Any

from reconciliation.report.model import Head

_FINDINGS = '"findings": ['
_END = "]}"


def opening(head: Head) -> str:
    """The document up to its first finding; ends with a line break."""
    text = json.dumps(head, indent=1, ensure_ascii=False)
    return f"{text[:-2]},\n {_FINDINGS}\n"


def finding_line(finding: dict[str, Any]) -> str:
    """One finding with its line break. In the document a comma stands before every line but the first."""
    return json.dumps(finding, separators=(",", ":"), ensure_ascii=False) + "\n"


CLOSING = f"{_END}\n"


class ReportReader:
    """Reads a report's lines as they come: ``head`` is there from the first finding on, or at the end."""

    def __init__(self) -> None:
        self._lines: list[str] = []
        self._head: Head | None = None
        self.complete = False

    @property
    def head(self) -> Head:
        """The report without its findings. Raises ``ValueError`` before it has been read."""
        if self._head is None:
            raise ValueError("the report ends before its findings begin")
        return self._head

    def read(self, line: str) -> dict[str, Any] | None:
        """Take in one line, without its line break; gives the finding on it, if it holds one.

        Raises ``ValueError`` for a line that no report holds.
        """
        if self._head is None:
            self._lines.append(line)
            if line == f" {_FINDINGS}":
                self._head = json.loads("\n".join([*self._lines, _END]))
                self._head.pop("findings")
                self._lines.clear()
            return None
        if line == _END:
            self.complete = True
            return None
        finding: dict[str, Any] = json.loads(line.removeprefix(","))
        return finding
