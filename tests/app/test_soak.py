"""Audit after audit on one host: nothing is left over. ``make soak`` does the same with a hundred."""

import pytest

from dev.benchmarks.soak import soak


@pytest.mark.deep
def test_twelve_audits_in_a_row_leave_no_memory_no_file_and_no_socket_behind() -> None:
    measured = soak(12, containers=100)
    assert measured.grown == (), measured
    assert measured.last.audits == 12
