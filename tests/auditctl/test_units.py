"""What is listed and scanned is called what the service calls it."""

from typing import Any

import pytest
from rich.console import Console

from auditctl.bar import Bar
from auditctl.fields import Fields
from auditctl.responses import read_audit, read_dead_letters
from auditctl.wording import coverage
from tests.auditctl.scripted_service import audit_document, progress_document


def answered(called: str, counts: dict[str, Any]) -> dict[str, Any]:
    """A running audit whose progress tells its counts under that name."""
    progress = dict(progress_document(scanned=8_412))
    del progress["units"]
    return dict(audit_document(progress={**progress, called: counts}))


COUNTS = {"listed": 20_000, "scanned": 8_412, "skipped": 2, "failed": 0}


@pytest.mark.parametrize(
    ("called", "counts", "shown"),
    [
        pytest.param("units", {"noun": "folder", **COUNTS}, "folders", id="as the profile calls them"),
        pytest.param("units", COUNTS, "units", id="a service that does not tell"),
        pytest.param("containers", COUNTS, "containers", id="a service of an earlier release"),
    ],
)
def test_units_are_shown_by_their_noun(called: str, counts: dict[str, Any], shown: str) -> None:
    audit = read_audit(Fields(answered(called, counts), "the service"))
    console = Console(width=120, record=True, quiet=False, force_terminal=True)
    bar = Bar(console, audit)
    bar.start()
    bar.stop()
    assert f"8,412/20,000 {shown} " in console.export_text()
    assert coverage(audit.progress) == f"20,000 {shown} listed: 8,412 scanned, 2 skipped, 0 failed"


@pytest.mark.parametrize("name", ["units", "containers"])
def test_a_dead_letter_of_any_release_tells_how_many_it_has(name: str) -> None:
    document = {"dead_letters": [{"shard": 7, name: 500, "failed": 2}]}
    [letter] = read_dead_letters(Fields(document, "the service"))
    assert (letter.units, letter.failed) == (500, 2)
