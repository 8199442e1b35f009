"""What requirements.txt asks for: first what the app imports, then what that brings with it."""

from pathlib import Path

from packaging.requirements import Requirement

ROOT = Path(__file__).parents[1]


def requirements(name: str = "requirements.txt") -> list[Requirement]:
    """All of them, in order."""
    return [Requirement(line) for part in parts(name) for line in part]


def parts(name: str = "requirements.txt") -> list[list[str]]:
    """The lines below each comment of the file."""
    found: list[list[str]] = []
    for line in (ROOT / name).read_text(encoding="utf-8").splitlines():
        if line.startswith("#"):
            found.append([])
        elif line and not line.startswith("-"):
            found[-1].append(line)
    return [part for part in found if part]
