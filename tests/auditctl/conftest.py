"""A scripted service and the real ``main`` in this process, as a pipe would see it."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import pytest

from auditctl.__main__ import main
from tests.auditctl.scripted_service import ScriptedService, scripted_service


@dataclass(frozen=True)
class Ran:
    code: int
    out: str
    err: str


class Auditctl(Protocol):
    def __call__(self, *words: str) -> Ran: ...


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Iterator[ScriptedService]:
    """A service that ``AUDITCTL_URL`` points to; no key is set."""
    with scripted_service() as running:
        monkeypatch.setenv("AUDITCTL_URL", running.url)
        monkeypatch.delenv("AUDITCTL_KEY", raising=False)
        yield running


@pytest.fixture
def auditctl(capsys: pytest.CaptureFixture[str]) -> Auditctl:
    """Runs ``auditctl WORDS``; its output is a pipe."""

    def run(*words: str) -> Ran:
        try:
            code = main(words)
        except SystemExit as ended:
            code = int(str(ended.code))
        return Ran(code, *capsys.readouterr())

    return run
