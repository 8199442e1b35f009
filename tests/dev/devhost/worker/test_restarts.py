"""How often workers are started again."""

import pytest

from dev.devhost.worker.restarts import Restarts


def allowed(processes: int, *moments: float) -> list[bool]:
    restarts = Restarts(processes)
    return [restarts.allowed(moment) for moment in moments]


@pytest.mark.parametrize(
    ("processes", "moments", "expected"),
    [
        (1, (0, 900, 1800), [True, True, False]),
        (1, (0, 900, 1801, 1802), [True, True, True, True]),
        (2, (0, 1, 2, 3, 4, 5, 6), [True, True, True, True, True, False, False]),
    ],
)
def test_three_exits_for_each_process_within_half_an_hour_of_the_first_are_too_many(
    processes: int, moments: tuple[float, ...], expected: list[bool]
) -> None:
    assert allowed(processes, *moments) == expected
