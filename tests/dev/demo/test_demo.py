"""The demo is the first thing a new user runs, and the README quotes what it finds."""

import io
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import dev.demo.__main__ as demo_main
from dev.demo.stack import demo_stack
from dev.devstack.app import RunningApp
from tests.baseline.recorded import Baseline

README = Path(__file__).parents[3] / "README.md"


def in_one_line(markdown: str) -> str:
    """The text of quoted lines, as a reader sees it."""
    return re.sub(r"\s+", " ", re.sub(r"^> ?", "", markdown, flags=re.MULTILINE)).strip()


def undated(text: str) -> str:
    """The text without the moments in it: the demo plants its blobs again each time."""
    return re.sub(r"\d{4}-\d\d-\d\d \d\d:\d\d UTC", "<moment>", text)


@dataclass(frozen=True)
class Ran:
    """A demo that was run, with a fast audit before it: its exit code, what it printed itself, and its reports."""

    code: int
    printed: str
    out: Path

    def report(self, of: str = "") -> dict[str, Any]:
        """The report in a folder below the demo's, or of its first audit."""
        document: dict[str, Any] = json.loads((self.out / of / "report.json").read_text(encoding="utf-8"))
        return document


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Ran:
    out, printed = tmp_path_factory.mktemp("demo") / "out", io.StringIO()

    @contextmanager
    def with_a_fast_audit() -> Iterator[RunningApp]:
        with demo_stack() as app:
            out.mkdir()
            demo_main.audit(app.url, out / "fast", "--mode", "fast")
            yield app

    with pytest.MonkeyPatch.context() as patch, redirect_stdout(printed):
        patch.setattr(demo_main, "OUT", out)
        patch.setattr(demo_main, "demo_stack", with_a_fast_audit)
        code = demo_main.main([])
    return Ran(code, printed.getvalue(), out)


def test_the_demo_finds_what_it_planted_and_the_readme_quotes_it(ran: Ran) -> None:
    assert ran.code == 0
    assert "everything was found as planted" in ran.printed
    assert not re.search(r"^! ", ran.printed, re.MULTILINE)
    report = ran.report()
    readme = in_one_line(README.read_text(encoding="utf-8"))
    assert report["headline"] in readme
    stuck = next(finding for finding in report["findings"] if (finding["session"] or {}).get("status") == "PROCESSING")
    assert undated(stuck["reason"]) in undated(readme)
    assert stuck["next_step"] in readme
    assert (ran.out / "report.html").read_text(encoding="utf-8").startswith("<!doctype html>")
    assert (ran.out / "findings.csv").read_text(encoding="utf-8").startswith("subject_kind,subject_id,")


@pytest.mark.parametrize(("name", "folder"), [("full", ""), ("partial", "partial"), ("fast", "fast")])
def test_the_demo_finds_what_the_baseline_says(ran: Ran, name: str, folder: str, baseline: Baseline) -> None:
    # The demo keeps its runs in the account that it audits: how many blobs there are depends on when they are counted.
    baseline.check(f"demo-{name}", ran.report(folder), without=["coverage.blobs"])


def test_other_words_are_bad_usage(capsys: pytest.CaptureFixture[str]) -> None:
    assert demo_main.main(["strat"]) == 2
    assert "usage" in capsys.readouterr().err
