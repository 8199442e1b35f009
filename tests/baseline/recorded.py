"""The baseline: what audits found at a release, kept in ``audits/`` beside this file."""

import gzip
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tests.baseline.found import Found, difference, found_by, from_lines, to_lines

AUDITS = Path(__file__).with_name("audits")
PLAIN, PACKED = ".jsonl", ".jsonl.gz"
MOST_PLAIN = 100_000
"""What is longer is packed; what is not is kept so that a change can be read in a diff."""


@dataclass(frozen=True)
class Baseline:
    """Holds audits against what was recorded of them; ``writing``, it records them."""

    writing: bool = False
    folder: Path = AUDITS

    def check(self, name: str, report: Mapping[str, Any], *, without: Collection[str] = ()) -> None:
        """Raises ``AssertionError``, with the difference, if the report says anything else than is recorded.

        ``without`` these totals, which are not the same each time.
        """
        found = found_by(report)
        found = replace(found, totals={name: total for name, total in found.totals.items() if name not in without})
        if self.writing:
            write(self.folder, name, found)
            return
        paths = [path for suffix in (PLAIN, PACKED) if (path := self.folder / f"{name}{suffix}").exists()]
        assert len(paths) == 1, f"of {name} there are {len(paths)} records; see tests/baseline/__main__.py"
        differs = difference(_recorded(paths[0]), found)
        assert not differs, f"{name} does not find what the baseline says.\n{differs}"


def read(folder: Path = AUDITS) -> dict[str, Found]:
    """Every recorded audit by its name."""
    return {path.name.partition(".")[0]: _recorded(path) for path in sorted(folder.glob(f"*{PLAIN}*"))}


def write(folder: Path, name: str, found: Found) -> None:
    """Record an audit; a file that says the same already stays as it is."""
    data = to_lines(found).encode()
    packed = len(data) > MOST_PLAIN
    path, other = folder / f"{name}{PACKED if packed else PLAIN}", folder / f"{name}{PLAIN if packed else PACKED}"
    other.unlink(missing_ok=True)
    if not path.exists() or _recorded(path) != found:
        folder.mkdir(exist_ok=True)
        path.write_bytes(gzip.compress(data, mtime=0) if packed else data)


def _recorded(path: Path) -> Found:
    data = path.read_bytes()
    return from_lines((gzip.decompress(data) if path.name.endswith(PACKED) else data).decode())
