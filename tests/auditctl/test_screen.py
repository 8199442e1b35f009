"""The terminal's form of what needs no terminal to be looked at."""

import pytest

from auditctl.responses import Check, Health, Option, Profile
from auditctl.screen import Screen
from auditctl.service import Service

MARKUP = "[bold]x[/] :boom:"


@pytest.fixture
def screen(monkeypatch: pytest.MonkeyPatch) -> Screen:
    monkeypatch.setenv("COLUMNS", "100")
    return Screen(Service("http://127.0.0.1:7071/api"))


def test_no_audits_is_said_in_words(screen: Screen, capsys: pytest.CaptureFixture[str]) -> None:
    screen.audits([])

    assert capsys.readouterr().out == "No audits yet. Start one: auditctl run --wait\n"


def test_audits_that_cannot_be_shown_are_not_no_audits(screen: Screen, capsys: pytest.CaptureFixture[str]) -> None:
    screen.audits([], ["20260131-080000-00000000/run.json", f"20260130-080000-00000000/{MARKUP}"])

    assert capsys.readouterr().out.splitlines() == [
        " unreadable  20260131-080000-00000000/run.json",
        f" unreadable  20260130-080000-00000000/{MARKUP}",
    ]


def test_profiles_mark_what_is_audited_by_default(screen: Screen, capsys: pytest.CaptureFixture[str]) -> None:
    screen.profiles(
        [Profile("pre", "Hearings", MARKUP, (Option("statuses", ("A", "B"), ("B",)), Option("prefixes", (), ())))]
    )

    assert capsys.readouterr().out.splitlines() == [
        " pre         Hearings",
        f"             {MARKUP}",
        " statuses    A, B*  (* by default)",
    ]


def test_health_says_what_cannot_be_reached_and_why(screen: Screen, capsys: pytest.CaptureFixture[str]) -> None:
    checks = (Check("database:PRE", False, MARKUP), Check("storage:SOURCE", True, ""))
    screen.health(Health("degraded", checks, "0.1.0", "a1b2c3d"))

    assert [line.rstrip() for line in capsys.readouterr().out.splitlines()] == [
        " degraded    http://127.0.0.1:7071/api",
        " version     0.1.0 (a1b2c3d)",
        f"  failed  database:PRE    {MARKUP}",
        "  ok      storage:SOURCE",
    ]
