"""The written results: a section of its own can be measured alone, and the others stay."""

import os

import pytest

from dev.benchmarks.audits import STEPS, Audit
from dev.benchmarks.results import (
    RECORDINGS,
    UPLOADS,
    recordings_figures,
    recordings_section,
    section_of,
    uploads_figures,
    uploads_section,
    with_section,
)

WHOLE = "# Results\n\n## Figures\n\none\n\n## Audits\n\ntwo\n"


def audit(size: int, mode: str, host: float) -> Audit:
    return Audit(size, mode, 12.5, dict.fromkeys(STEPS, 1.0), {"host": host, "prefect": 200.0}, 9, 2048, 99)


AUDITS = {
    10_000: [audit(10_000, "fast", 100), audit(10_000, "full", 110)],
    100_000: [audit(100_000, "fast", 120), audit(100_000, "full", 143)],
}


def test_a_section_is_added_at_the_end_and_replaced_in_its_place() -> None:
    added = with_section(WHOLE, "## Mine\n\nthree\n")
    assert added == f"{WHOLE}\n## Mine\n\nthree\n"
    assert with_section(added, "## Mine\n\nfour\n") == f"{WHOLE}\n## Mine\n\nfour\n"
    middle = with_section(WHOLE, "## Figures\n\nnew\n")
    assert middle == "# Results\n\n## Figures\n\nnew\n\n## Audits\n\ntwo\n"


def test_a_section_is_found_as_it_was_written() -> None:
    assert section_of(WHOLE, "Figures") == "## Figures\n\none\n"
    assert section_of(WHOLE, "Audits") == "## Audits\n\ntwo\n"
    assert section_of(WHOLE, "Mine") is None
    section = uploads_section(AUDITS)
    assert section_of(with_section(WHOLE, section), UPLOADS) == section


def test_memory_is_compared_in_each_mode_and_only_where_both_sizes_were_measured() -> None:
    assert uploads_figures(AUDITS) == {
        "stuck_uploads_rss_100k_over_10k": 1.3,
        "stuck_uploads_fast_rss_100k_over_10k": 1.2,
    }
    assert set(uploads_figures({10_000: AUDITS[10_000]}).values()) == {None}


@pytest.mark.parametrize(("load", "said"), [(0.5, "quiet"), (40.0, "seconds mean little")])
def test_the_section_says_whether_the_machine_was_busy(monkeypatch: pytest.MonkeyPatch, load: float, said: str) -> None:
    monkeypatch.setattr(os, "getloadavg", lambda: (0.0, 0.0, load))
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    assert said in uploads_section(AUDITS)


def test_the_section_has_a_line_for_each_audit_in_both_tables() -> None:
    lines = uploads_section(AUDITS).splitlines()
    assert len([line for line in lines if line.startswith("| 100,000 | full |")]) == 2
    assert "| 100,000 | full | 143 | 200 | 343 |" in lines


def test_audits_of_temporary_recordings_have_a_section_of_their_own() -> None:
    few, many = audit(100_000, "full", 100), audit(1_000_000, "full", 150)
    assert recordings_figures({100_000: [few], 1_000_000: [many]}) == {
        "temp_recordings_rss_1m_over_100k": 1.5,
        "temp_recordings_growth_1m_over_100k": 1.0,
    }
    assert set(recordings_figures({4_000: [few]}).values()) == {None}
    section = recordings_section({100_000: [few], 1_000_000: [many]})
    both = with_section(with_section(WHOLE, uploads_section(AUDITS)), section)
    assert section_of(both, RECORDINGS) == section
    assert section_of(both, UPLOADS) == uploads_section(AUDITS)
    assert "| 1,000,000 | full | 150 | 200 | 350 |" in section.splitlines()
