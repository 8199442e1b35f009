"""What requirements.txt asks for: first what the app imports, then what that brings with it."""

import sys
from pathlib import Path

from packaging.requirements import Requirement

ROOT = Path(__file__).parents[1]
PYTHONS = ("3.11", "3.12", "3.13")
RUNNING = f"{sys.version_info.major}.{sys.version_info.minor}"


def environment(python: str) -> dict[str, str]:
    """What markers ask about, on a version of Python."""
    return {"python_version": python, "python_full_version": f"{python}.0"}


def requirements(name: str = "requirements.txt", python: str = RUNNING) -> list[Requirement]:
    """Those that hold on a version of Python, in order."""
    return [requirement for part in parts(name, python) for requirement in part]


def parts(name: str = "requirements.txt", python: str = RUNNING) -> list[list[Requirement]]:
    """The same, by the comments of the file that they stand below."""
    return [
        [one for one in part if one.marker is None or one.marker.evaluate(environment(python))]
        for part in written(name)
    ]


def written(name: str) -> list[list[Requirement]]:
    """The same, for all versions of Python."""
    found: list[list[Requirement]] = []
    for line in (ROOT / name).read_text(encoding="utf-8").splitlines():
        if line.startswith("#"):
            found.append([])
        elif line and not line.startswith("-"):
            found[-1].append(Requirement(line))
    return [part for part in found if part]
