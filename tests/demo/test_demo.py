"""The demo is the first thing a new user runs, and the README quotes what it finds."""

import json
import re
from pathlib import Path

import pytest

import demo.__main__ as demo_main

README = Path(__file__).parents[2] / "README.md"


def in_one_line(markdown: str) -> str:
    """The text of quoted lines, as a reader sees it."""
    return re.sub(r"\s+", " ", re.sub(r"^> ?", "", markdown, flags=re.MULTILINE)).strip()


def undated(text: str) -> str:
    """The text without the moments in it: the demo plants its blobs anew each time."""
    return re.sub(r"\d{4}-\d\d-\d\d \d\d:\d\d UTC", "<moment>", text)


def test_the_demo_finds_what_it_planted_and_the_readme_quotes_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(demo_main, "OUT", tmp_path / "out")
    assert demo_main.main([]) == 0
    printed = capfd.readouterr().out
    assert "everything was found as planted" in printed
    assert not re.search(r"^! ", printed, re.MULTILINE)
    report = json.loads((tmp_path / "out" / "report.json").read_text(encoding="utf-8"))
    readme = in_one_line(README.read_text(encoding="utf-8"))
    assert report["headline"] in readme
    stuck = next(finding for finding in report["findings"] if (finding["session"] or {}).get("status") == "PROCESSING")
    assert undated(stuck["reason"]) in undated(readme)
    assert stuck["next_step"] in readme
    assert (tmp_path / "out" / "report.html").read_text(encoding="utf-8").startswith("<!doctype html>")
    assert (tmp_path / "out" / "findings.csv").read_text(encoding="utf-8").startswith("subject_kind,subject_id,")


def test_other_words_are_bad_usage(capsys: pytest.CaptureFixture[str]) -> None:
    assert demo_main.main(["strat"]) == 2
    assert "usage" in capsys.readouterr().err
