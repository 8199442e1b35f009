import pytest

from reporting.sizes import size, thousands


@pytest.mark.parametrize(
    ("count", "words"),
    [
        (1, "1 byte"),
        (999, "999 bytes"),
        (1_000, "1.0 kB"),
        (40_960, "41.0 kB"),
        (1_300_000_000, "1.3 GB"),
        (5_000_000_000_000_000, "5,000.0 TB"),
    ],
)
def test_a_size_has_three_digits_or_so(count: int, words: str) -> None:
    assert size(count) == words


def test_thousands_are_kept_apart() -> None:
    assert [thousands(count) for count in (0, 999, 1_234_567)] == ["0", "999", "1,234,567"]
