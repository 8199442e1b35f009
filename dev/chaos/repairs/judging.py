"""What is wrong with a race, by what the database holds and what the ledgers say. Pure."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple
from uuid import UUID

from profiles.pre_capture_sessions.statements import REGISTER_RECORDING
from reconciliation.effects import Ended, Ending, Once

IN_STATEMENT = ("Not so any more: ", "Somebody else inserted such a row")
"""How an ending begins of which the statement itself was the reason."""


class Wrong(StrEnum):
    """How a repair can be wrong."""

    DOUBLE = "double_registrations"
    LOST = "lost_ledger_entries"
    UNAPPROVED = "unapproved_changes"
    AGAINST = "changes_against_a_rival"
    LATE = "late_changes"
    UNTRUE = "untrue_endings"


class Problem(NamedTuple):
    """One thing wrong with a race."""

    kind: Wrong
    text: str


@dataclass(frozen=True)
class Told:
    """What is known of a repair without looking at the database: was it approved, what was planned, how did it end?"""

    repair: str
    approved: bool
    session: UUID
    recording: str
    deadline: datetime | None
    ended: Ended | None

    @property
    def row_ids(self) -> set[str]:
        """The ids that its audit rows would have."""
        once = Once(self.repair, 1, 1)
        return {once.id(row) for row in REGISTER_RECORDING.trace_rows}

    @property
    def is_applied(self) -> bool:
        return self.ended is not None and self.ended.ending.is_applied

    @property
    def is_refused_in_statement(self) -> bool:
        """True if it got as far as the statement, and was refused there."""
        return self.ended is not None and self.ended.why.startswith(IN_STATEMENT)


@dataclass(frozen=True)
class Held:
    """What the database holds of a session: its recordings, and our audit rows."""

    recordings: Sequence[Mapping[str, Any]]
    audits: Sequence[Mapping[str, Any]]


def judge(told: Sequence[Told], held: Held, broken: Sequence[str]) -> list[Problem]:
    """What is wrong with a race of repairs for one session.

    ``broken``: a rival was there before all of them, and each must say one of these words; empty if there was none.
    """
    return [*_registrations(told, held), *_entries(told, held), *(_against(told, broken) if broken else [])]


def _registrations(told: Sequence[Told], held: Held) -> Iterable[Problem]:
    ours = {one.recording for one in told}
    live = [one for one in held.recordings if one["deleted_at"] is None]
    if len(live) > 1 and any(str(one["id"]) in ours for one in live):
        yield Problem(Wrong.DOUBLE, f"{len(live)} live recordings of session {told[0].session}")
    explained = {row_id: one for one in told for row_id in one.row_ids}
    for row in held.audits:
        one = explained.get(str(row["id"]))
        if one is None or not one.approved:
            yield Problem(Wrong.UNAPPROVED, f"audit row {row['id']} is of {one.repair if one else 'no repair'}")
        elif one.deadline is not None and row["created_at"] > one.deadline:
            yield Problem(Wrong.LATE, f"{one.repair} was applied at {row['created_at']}, its time ended {one.deadline}")
    found = {str(one["id"]): one for one in held.recordings}
    for one in told:
        if one.is_applied and str(found.get(one.recording, {}).get("capture_session_id")) != str(one.session):
            yield Problem(Wrong.LOST, f"{one.repair} is done, and recording {one.recording} is not there")


def _entries(told: Sequence[Told], held: Held) -> Iterable[Problem]:
    there = Counter(str(row["id"]) for row in held.audits)
    for one in told:
        rows = sum(there[row_id] for row_id in one.row_ids)
        if rows not in {0, len(one.row_ids)}:
            yield Problem(Wrong.LOST, f"{one.repair} wrote {rows} audit rows")
        if (rows > 0) != one.is_applied:
            how = "nothing" if one.ended is None else f"{one.ended.ending}: {one.ended.why}"
            yield Problem(Wrong.LOST, f"{one.repair} wrote {rows} audit rows, its ledger says {how}")


def _against(told: Sequence[Told], broken: Sequence[str]) -> Iterable[Problem]:
    for one in told:
        if one.is_applied:
            yield Problem(Wrong.AGAINST, f"{one.repair} was applied although {broken[0]!r} was not so")
        elif one.ended is not None and _is_decided(one.ended) and not any(words in one.ended.why for words in broken):
            yield Problem(Wrong.UNTRUE, f"{one.repair} says {one.ended.why!r}, not that {broken[0]!r} is not so")


def _is_decided(ended: Ended) -> bool:
    """True if the database decided: not if its connection was cut, or the time was over."""
    return ended.ending in {Ending.SOMEONE_ELSE_MOVED, Ending.REFUSED}
