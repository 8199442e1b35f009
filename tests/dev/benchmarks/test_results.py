"""The written results: a section of its own can be measured alone, and the others stay."""

import math
import os

import pytest

from dev.benchmarks.audits import STEPS, Audit, Measured
from dev.benchmarks.clients import Comparison, Row, Run, row_of
from dev.benchmarks.measure import Cost
from dev.benchmarks.results import (
    RECORDINGS,
    UPLOADS,
    Measurements,
    figures,
    markdown,
    recordings_figures,
    recordings_section,
    section_of,
    uploads_figures,
    uploads_section,
    with_section,
)
from dev.benchmarks.throttling import Throttled
from dev.devstack.stub import Limit

WHOLE = "# Results\n\n## Figures\n\none\n\n## Audits\n\ntwo\n"


def audit(size: int, mode: str, host: float) -> Audit:
    return Audit(size, mode, 12.5, dict.fromkeys(STEPS, 1.0), {"host": host, "prefect": 200.0}, 9, 2048, 99)


AUDITS = {
    10_000: [audit(10_000, "fast", 100), audit(10_000, "full", 110)],
    100_000: [audit(100_000, "fast", 120), audit(100_000, "full", 143)],
}


def row(client: str, containers: int, wall: float, cpu: float, late: float | None = None) -> Row:
    return row_of(client, containers, [Run(Cost(wall, cpu, 90), late)])


def comparison(blobs: int, *rows: Row, tls: bool = False) -> Comparison:
    return Comparison(f"x {blobs} blobs", {one.client: one for one in rows}, blobs, tls)


def measurements() -> Measurements:
    return Measurements(
        comparisons={
            "small": comparison(4, row("ours", 20_000, 2, 2, 3.0), row("rclone", 20_000, 4, 8)),
            "small_tls": comparison(4, row("ours", 20_000, 2, 2.5, 3.0), row("rclone", 20_000, 4, 10), tls=True),
            "large": comparison(500, row("ours", 2_000, 1, 1), row("rclone", 2_000, 15, 20)),
            "latency": comparison(4, row("ours", 20_000, 3, 2.5, 12.345678), row("rclone", 20_000, 5, 12), tls=True),
        },
        throttled=[
            Throttled(Limit(5_000, 1), 150_000, 30, 150_000, 1_500),
            Throttled(Limit(5_000), 150_000, 40, 150_000, 0),
            Throttled(Limit(500, 1), 15_000, 32, 15_000, 300),
        ],
        ceilings={"without TLS": 90_000, "with TLS": None},
    )


def test_the_figures_of_listing_are_ratios_to_rclone_and_the_worst_of_what_was_throttled() -> None:
    assert figures(measurements()) == {
        "list_vs_rclone_speed": 2,
        "list_vs_rclone_cpu": 0.25,
        "list_tls_vs_rclone_cpu": 0.25,
        "list500_vs_rclone_speed": 15,
        "list_vs_sdk_speed": None,
        "throttled_efficiency": 0.75,
        "throttled_refused_share": 0.02,
        "loop_lag_p99_ms": 12.346,
    }


def test_a_lister_that_gave_up_has_used_nothing_of_what_was_allowed() -> None:
    measured = measurements()
    measured.throttled.append(Throttled(Limit(500, 1), 15_000, math.inf, 100, 54))
    assert figures(measured)["throttled_efficiency"] == 0
    assert "| 500/s | `Retry-After: 1` | 15,000 | 0 | 0.0% | 54.00% |" in markdown(measured, {}).splitlines()


def test_audits_are_compared_with_what_rclone_takes_to_list_the_same_account() -> None:
    measured = measurements()
    measured.add(1_000_000, Measured([audit(1_000_000, "full", 150)], row("rclone", 1_000_000, 50, 90)))
    measured.add(
        20_000,
        Measured([audit(20_000, "full", 100), audit(20_000, "fast", 90)], row("rclone", 20_000, 25, 30)),
    )
    numbers = figures(measured)
    assert list(measured.audits) == [20_000, 1_000_000]
    assert {name: value for name, value in numbers.items() if "rclone_wall" in name or "rss" in name} == {
        "audit_vs_rclone_wall": 0.5,
        "fast_vs_rclone_wall": 0.5,
        "million_vs_rclone_wall": 0.25,
        "rss_200k_over_20k": None,
        "rss_1m_over_20k": 1.5,
    }
    assert "| 1,000,000 | 50.00 | 90.00 | 90 | 1 |" in markdown(measured, numbers).splitlines()


def test_runs_of_a_client_count_as_their_medians() -> None:
    runs = [Run(Cost(wall, wall, 90), wall * 10) for wall in (1.0, 9.0, 2.0)]
    assert row_of("ours", 1_000, runs) == Row("ours", 1_000, 3, Cost(2, 2, 90), 20)
    assert row_of("rclone", 1_000, [Run(Cost(1, 2, 90))]).lag_p99_ms is None
    assert row_of("rclone", 1_000, [Run(Cost(1, 2, 90))]).cpu_us == 2_000


def test_the_results_say_the_stubs_ceiling_and_the_cpu_of_a_container_without_latency() -> None:
    lines = markdown(measurements(), {}).splitlines()
    assert any("without TLS 90,000 answers/s, with TLS not measured." in line for line in lines)
    assert "| client | 4 | 4, TLS | 500 |" in lines
    assert "| capture-audit's lister | 100 | 125 | 500 |" in lines


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
