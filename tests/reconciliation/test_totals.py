"""What is added up over findings."""

from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from reconciliation.totals import Sum, Total, Totals

AT = datetime(2026, 11, 27, tzinfo=UTC)
FOUND = st.lists(
    st.tuples(
        st.sampled_from(["thing", "other"]),
        st.sampled_from(["kept", "lost"]),
        st.integers(0, 99),
        st.none() | st.integers(0, 99).map(lambda minutes: AT + timedelta(minutes=minutes)),
    )
)


def total(verdict: str) -> Total[Any]:
    return Total(kind="thing", verdict=verdict, measure=lambda facts: facts, says=lambda found, *_: str(found))


@given(FOUND)
def test_each_total_is_of_its_own_kind_and_verdict(found: list[tuple[str, str, int, datetime | None]]) -> None:
    totals = Totals((total("kept"), total("lost")))
    for kind, verdict, amount, at in found:
        totals.add(kind, verdict, (amount, at))
    for verdict, result in zip(("kept", "lost"), totals.sums, strict=True):
        own = [(amount, at) for kind, of, amount, at in found if (kind, of) == ("thing", verdict)]
        moments = [at for _, at in own if at is not None]
        assert result == Sum(len(own), sum(amount for amount, _ in own), min(moments, default=None))
