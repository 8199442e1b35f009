"""Settings that a host reads itself."""

import pytest

from dev.devhost.settings import SettingsError, worker_processes


@pytest.mark.parametrize(("text", "count"), [(None, 1), ("", 1), ("1", 1), ("10", 10), (" 2 ", 2), ("0", 1), ("-3", 1)])
def test_how_many_workers_there_are_is_read_as_a_real_host_reads_it(text: str | None, count: int) -> None:
    environment = {} if text is None else {"FUNCTIONS_WORKER_PROCESS_COUNT": text}
    assert worker_processes(environment) == count


@pytest.mark.parametrize("text", ["11", "two", "1.5"])
def test_a_number_of_workers_with_which_a_real_host_would_start_none_is_refused(text: str) -> None:
    with pytest.raises(SettingsError, match=f"FUNCTIONS_WORKER_PROCESS_COUNT .* at most 10, not '{text}'"):
        worker_processes({"FUNCTIONS_WORKER_PROCESS_COUNT": text})
