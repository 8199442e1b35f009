import pytest

from dev.benchmarks.ceiling import requests_per_second

SAID = "  455674 requests in 5.00s, 1.39GB read\n{}Requests/sec:  91064.66\nTransfer/sec:    285.12MB\n"


def test_what_wrk_says_is_read() -> None:
    assert requests_per_second(SAID.format("")) == 91_064.66


@pytest.mark.parametrize("output", ["", "unable to connect", SAID.format("  Non-2xx or 3xx responses: 12\n")])
def test_a_ceiling_of_refusals_is_none(output: str) -> None:
    with pytest.raises(RuntimeError, match="wrk failed"):
        requests_per_second(output)
