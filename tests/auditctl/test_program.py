"""Commands that are suggested can be pasted into the shell in which the program was called."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from auditctl.program import called_as
from reconciliation import VERSION
from tests.auditctl.conftest import Auditctl
from tests.auditctl.scripted_service import AUDIT, AUDIT_ID, Reply, ScriptedService

ROOT = Path(__file__).parents[2]


@pytest.fixture
def script(tmp_path: Path) -> Path:
    """The program as an installation leaves it in a folder of its own."""
    program = tmp_path / "bin" / "auditctl"
    program.parent.mkdir()
    program.write_text(f"#!{sys.executable}\nimport sys\nfrom auditctl.__main__ import main\nsys.exit(main())\n")
    program.chmod(0o755)
    return program


def suggested(service: ScriptedService, *program: str, path: str = "", cwd: Path = ROOT) -> str:
    service.on("POST", f"{AUDIT}/cancel", Reply({}, 202))
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "AUDITCTL_URL": service.url}
    environment["PATH"] = f"{path}{os.pathsep}{environment['PATH']}" if path else os.defpath
    ran = subprocess.run(
        [*program, "cancel", AUDIT_ID], env=environment, cwd=cwd, capture_output=True, text=True, check=True
    )
    return ran.stdout.strip().partition("See it end: ")[2]


def test_it_is_called_again_by_the_path_that_was_typed(service: ScriptedService, script: Path) -> None:
    assert suggested(service, "bin/auditctl", cwd=script.parents[1]) == f"bin/auditctl watch {AUDIT_ID}"


def test_it_is_called_again_by_its_name_where_the_shell_finds_it(service: ScriptedService, script: Path) -> None:
    found = suggested(service, str(script), path=str(script.parent))
    assert found == f"auditctl watch {AUDIT_ID}"


def test_it_is_called_again_as_a_module(service: ScriptedService) -> None:
    assert suggested(service, sys.executable, "-m", "auditctl") == f"{sys.executable} -m auditctl watch {AUDIT_ID}"


@pytest.mark.parametrize("other", ["", "-c", "/usr/bin/pytest"])
def test_another_program_suggests_the_name(other: str) -> None:
    assert called_as(other) == ("auditctl",)


def test_a_path_with_a_space_is_quoted(service: ScriptedService, tmp_path: Path, script: Path) -> None:
    folder = tmp_path / "my tools"
    script.parent.rename(folder)
    assert suggested(service, "my tools/auditctl", cwd=tmp_path) == f"'my tools/auditctl' watch {AUDIT_ID}"


# --- its version, and what completes its words ------------------------------------------------------------------------


def test_it_tells_its_version(auditctl: Auditctl) -> None:
    ran = auditctl("--version")
    assert (ran.code, ran.out) == (0, f"auditctl {VERSION}\n")


def test_a_shell_completes_commands_and_options(script: Path, tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    said = subprocess.run(
        [script, "--print-completion", "bash"], env=environment, capture_output=True, text=True, check=True
    )
    completion = tmp_path / "completion.sh"
    completion.write_text(said.stdout)
    asking = f"""
source {completion}
complete_words() {{
  COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMPREPLY=()
  $(complete -p auditctl | sed 's/.*-F \\([^ ]*\\) .*/\\1/')
  echo "${{COMPREPLY[@]}}"
}}
complete_words auditctl re
complete_words auditctl report --la
"""
    ran = subprocess.run(["bash", "-c", asking], capture_output=True, text=True, check=True)
    commands, options = ran.stdout.splitlines()
    assert commands.split() == ["report", "resume", "retry", "repair"]
    assert options.split() == ["--latest"]
