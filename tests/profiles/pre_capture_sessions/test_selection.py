import re
from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from profiles.pre_capture_sessions.options import FAST, FULL, MODES
from profiles.pre_capture_sessions.selection import NOT_A_RECORDING, OUTSIDE_PREFIXES, REGISTERED, select
from reconciliation.looks import Group
from reconciliation.parameters import AuditParameters
from reconciliation.profile import Open, Skip
from tests.profiles.pre_capture_sessions.strategies import CONTAINERS
from tests.profiles.pre_capture_sessions.world import asking, row, uuid_of

RECORDING_NAME = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
ANY_NAME = re.compile(r"[a-z0-9$-]{3,63}")
NAME = (
    st.sampled_from(CONTAINERS)
    | st.uuids().map(str)
    | st.tuples(st.sampled_from(CONTAINERS), st.sampled_from(["-input", "-copy", "\n", " "])).map("".join)
    | st.sampled_from([name.upper() for name in CONTAINERS])
    | st.sampled_from(["$logs", "$root", "mk-import-reports", "0" * 32, ""])
    | st.text("0123456789abcdef-", max_size=36)
)
NAMES = st.lists(NAME, max_size=12, unique=True)
PREFIXES = st.lists(st.sampled_from([*"0123456789abcdef$m", *(name[:3] for name in CONTAINERS)]), max_size=4)


def asked(mode: str, prefixes: list[str]) -> AuditParameters:
    return replace(asking(container_prefixes=tuple(prefixes)), mode=mode)


def within(name: str, prefixes: list[str]) -> bool:
    return not prefixes or any(name.startswith(prefix) for prefix in prefixes)


def select_containers(
    names: list[str], registered: set[str], parameters: AuditParameters
) -> tuple[list[str], Counter[str]]:
    """Those of the listed names that are opened, and how many are not, for which reason."""
    chosen, skipped = list[str](), Counter[str]()
    for name in names:
        rows = [row()._replace(recording_id=name)] if name in registered else []
        found = select(Group(name, ([name], rows, [])), parameters)
        if isinstance(found, Open):
            chosen.append(name)
        else:
            assert isinstance(found, Skip)
            skipped[found.reason] += 1
    return chosen, skipped


@given(st.sampled_from(CONTAINERS), PREFIXES, st.sampled_from(MODES), st.booleans())
def test_what_was_not_listed_is_neither_opened_nor_skipped(
    name: str, prefixes: list[str], mode: str, again: bool
) -> None:
    group = Group(name, ([], [row()._replace(recording_id=name)], [name] if again else []))
    assert select(group, asked(mode, prefixes)) is None


@given(NAMES, st.data(), PREFIXES, st.sampled_from(MODES))
def test_what_is_opened_and_what_is_skipped_is_what_was_listed(
    names: list[str], data: st.DataObject, prefixes: list[str], mode: str
) -> None:
    registered = set(data.draw(st.lists(st.sampled_from([*names, *CONTAINERS]))))
    chosen, skipped = select_containers(names, registered, asked(mode, prefixes))
    assert len(chosen) + skipped.total() == len(names)
    assert chosen == [name for name in names if name in set(chosen)]
    assert all(count > 0 for count in skipped.values())
    assert skipped[OUTSIDE_PREFIXES] == sum(not within(name, prefixes) for name in names)


@given(NAMES, st.data(), PREFIXES)
def test_fast_opens_exactly_what_can_be_a_recording_and_has_no_row(
    names: list[str], data: st.DataObject, prefixes: list[str]
) -> None:
    registered = set(data.draw(st.lists(st.sampled_from([*names, *CONTAINERS]))))
    chosen, skipped = select_containers(names, registered, asked(FAST, prefixes))
    covered = [name for name in names if within(name, prefixes)]
    unknown = [name for name in covered if name not in registered]
    # A name that storage cannot have may be any container's, damaged on its way.
    assert chosen == [name for name in unknown if RECORDING_NAME.fullmatch(name) or not ANY_NAME.fullmatch(name)]
    assert skipped == Counter(
        {
            OUTSIDE_PREFIXES: len(names) - len(covered),
            REGISTERED: len(covered) - len(unknown),
            NOT_A_RECORDING: len(unknown) - len(chosen),
        }
    )


@given(NAMES, st.data(), PREFIXES)
def test_full_opens_everything_within_the_prefixes_whatever_it_is(
    names: list[str], data: st.DataObject, prefixes: list[str]
) -> None:
    registered = set(data.draw(st.lists(st.sampled_from([*names, *CONTAINERS]))))
    chosen, skipped = select_containers(names, registered, asked(FULL, prefixes))
    assert chosen == [name for name in names if within(name, prefixes)]
    assert set(skipped) <= {OUTSIDE_PREFIXES}


@given(NAMES, st.data(), PREFIXES)
def test_whatever_fast_opens_full_opens_too(names: list[str], data: st.DataObject, prefixes: list[str]) -> None:
    registered = set(data.draw(st.lists(st.sampled_from([*names, *CONTAINERS]))))
    fast, full = (select_containers(names, registered, asked(mode, prefixes))[0] for mode in (FAST, FULL))
    assert set(fast) <= set(full)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        (str(uuid_of("new")), None),
        (str(uuid_of("known")), REGISTERED),
        (str(uuid_of("known")).upper(), None),
        (f"{uuid_of('new')}-input", NOT_A_RECORDING),
        (uuid_of("new").hex, NOT_A_RECORDING),
        ("$logs", NOT_A_RECORDING),
    ],
)
def test_fast_says_why_a_container_is_not_opened(name: str, reason: str | None) -> None:
    chosen, skipped = select_containers([name], {str(uuid_of("known"))}, asked(FAST, []))
    assert (chosen, skipped) == (([name], {}) if reason is None else ([], {reason: 1}))


def test_outside_the_prefixes_is_a_gap_even_for_what_fast_would_not_open() -> None:
    chosen, skipped = select_containers(["x-input"], {"x-input"}, asked(FAST, ["y"]))
    assert (chosen, skipped) == ([], {OUTSIDE_PREFIXES: 1})
