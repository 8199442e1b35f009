"""Which Python ``make`` takes."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.requirements import PYTHONS, RUNNING

SCRIPT = Path(__file__).parents[3] / "dev" / "devstack" / "find_python.sh"
OTHER = next(version for version in PYTHONS if version != RUNNING)


def found(folder: Path, *versions: str, python: str = "") -> str:
    """What is printed when the commands of the folder are all there is; it fails where that is nothing."""
    env = {"PATH": str(folder), "PYTHON": python}
    done = subprocess.run([SCRIPT, *versions], env=env, capture_output=True, text=True, timeout=60, check=False)
    assert done.stderr == ""
    assert (done.returncode == 0) == bool(done.stdout)
    return done.stdout.strip()


def command(folder: Path, name: str, condition: str = "true") -> Path:
    """A command that is the running Python, or fails like a stand-in where the condition does not hold."""
    path = folder / name
    path.write_text(f'#!/bin/sh\n{condition} && exec "{sys.executable}" "$@"\necho "not chosen" >&2\nexit 127\n')
    path.chmod(0o755)
    return path


@pytest.mark.parametrize("name", [f"python{RUNNING}", "python3"])
def test_it_is_found_by_its_name(tmp_path: Path, name: str) -> None:
    command(tmp_path, name)
    assert found(tmp_path, *PYTHONS) == sys.executable


def test_a_stand_in_that_wants_to_be_asked_for_the_version_is_asked(tmp_path: Path) -> None:
    command(tmp_path, f"python{RUNNING}", f'[ "$PYENV_VERSION" = {RUNNING} ]')
    assert found(tmp_path, *PYTHONS) == sys.executable


def test_nothing_is_printed_where_there_is_none(tmp_path: Path) -> None:
    assert found(tmp_path, *PYTHONS) == ""


def test_no_other_version_is_taken_whatever_its_name(tmp_path: Path) -> None:
    command(tmp_path, f"python{OTHER}")
    python3 = command(tmp_path, "python3")
    assert found(tmp_path, OTHER) == ""
    assert found(tmp_path, OTHER, python=str(python3)) == ""


def test_the_python_that_is_named_is_the_only_one_that_is_tried(tmp_path: Path) -> None:
    command(tmp_path, "python3")
    assert found(tmp_path, *PYTHONS, python=str(tmp_path / "missing")) == ""
    assert found(tmp_path, RUNNING, python=str(command(tmp_path, "another"))) == sys.executable
