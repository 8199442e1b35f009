"""The rows of an audit: the sessions in question, and the registered recordings.

A value that cannot be read (a moment outside Python's range, a malformed id) is kept as a text beside the row; the row
and all others are still used.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import datetime
from functools import lru_cache
from operator import itemgetter
from typing import Any, Literal, NamedTuple, Self, get_args

from profiles.pre_capture_sessions.keys import is_canonical_id, session_key
from profiles.pre_capture_sessions.trail import Trail, trail_of
from reconciliation.times import from_text, optional_text

_CLOCKS = (
    "started_at",
    "finished_at",
    "scheduled_for",
    "deleted_at",
    "case_closed_at",
    "processing_at",
    "left_at",
    "stopped_at",
    "job_at",
)
_NOT_SHOWN = (
    "session_id",
    "in_question",
    "withdrawn_recordings",
    "case_closed_at",
    "processing_at",
    "left_at",
    "stopped_at",
)
_IDS = ("session_id", "booking_id", "case_id")
# A booking may be for tomorrow; all other moments are in the past.
_PAST = tuple(name for name in _CLOCKS if name != "scheduled_for")
_LONGEST_SHOWN = 60
_NONE: Mapping[str, Any] = {}
_MOST = 2**63  # as Postgres counts
ORIGINS = frozenset({"PRE", "VODAFONE", "VODAFONE_VISIBLE"})
"""The systems that record sessions. A row with another origin is unreadable, not another system's."""


@dataclass(slots=True)
class Candidate:
    """The row of a capture session, with what was joined to it; never changed once it is read.

    ``case_live`` is False when its booking or case was deleted. ``withdrawn_recordings`` counts those of its deleted
    recordings that an undo of ours has deleted, ``sibling_recordings`` live recordings of other sessions of its
    booking. ``processing_at``, ``left_at`` and ``stopped_at`` are moments of the audit trail (see ``trail``),
    ``job_at`` when its newest encode job was made. ``row_token`` changes with every write to the row. ``in_question``
    is False for a session that a container names but that the audit's question excludes.

    ``unreadable`` are the columns whose value could not be read, with that value as a text; ``future`` those whose
    moment was in the future when the row was judged (see ``without_future``). Both count as not given.
    """

    session_id: str
    status: str | None
    origin: str
    started_at: datetime | None
    finished_at: datetime | None
    scheduled_for: datetime | None
    deleted_at: datetime | None
    booking_id: str
    case_id: str
    case_state: str
    case_closed_at: datetime | None
    case_live: bool
    live_recordings: int
    deleted_recordings: int
    withdrawn_recordings: int
    sibling_recordings: int
    has_ingest_address: bool
    processing_at: datetime | None
    left_at: datetime | None
    stopped_at: datetime | None
    job_at: datetime | None
    row_token: str
    in_question: bool
    unreadable: Mapping[str, str] = field(default_factory=lambda: _NONE)
    future: Mapping[str, datetime] = field(default_factory=lambda: _NONE)

    @property
    def key(self) -> str:
        """The form in which blob names contain the session's id; empty if its id cannot be read."""
        return session_key(self.session_id) if self.has_id else ""

    @property
    def has_id(self) -> bool:
        return "session_id" not in self.unreadable

    def gives(self, column: str) -> bool:
        """True if the column is not empty, even if its value could not be read or is in the future."""
        return getattr(self, column) is not None or column in self.unreadable or column in self.future

    def without_future(self, latest: datetime) -> "Candidate":
        """The row with its moments after ``latest`` moved to ``future``."""
        ahead = {name: at for name in _PAST if (at := getattr(self, name)) is not None and at > latest}
        given: dict[str, Any] = dict.fromkeys(ahead)
        return replace(self, future=ahead, **given) if ahead else self

    @property
    def hearing_at(self) -> datetime | None:
        """When the hearing was. PRE's evening sweep rewrites ``finished_at``, so the start counts first."""
        return self.started_at or self.finished_at or self.scheduled_for

    @property
    def last_clock(self) -> datetime | None:
        """The session's last recorded activity: its end, or else its start."""
        return self.finished_at or self.started_at

    @property
    def trail(self) -> Trail:
        return trail_of(self.processing_at, self.left_at, self.stopped_at)

    def shown(self) -> dict[str, Any]:
        """The session as a report shows it, without its id."""
        values = zip(COLUMNS, self.to_json(), strict=True)
        return {name: value for name, value in values if name not in _NOT_SHOWN} | {
            "trail": self.trail.value,
            "unreadable": dict(self.unreadable),
            "future": {name: optional_text(at) for name, at in self.future.items()},
        }

    def to_json(self) -> list[Any]:
        """A JSON array in the order of ``COLUMNS``; ``from_json`` gives back an equal value if all can be read."""
        return [optional_text(getattr(self, n)) if n in _CLOCKS else getattr(self, n) for n in COLUMNS]

    @classmethod
    def from_json(cls, values: list[Any]) -> Self:
        """Changes ``values`` in place. A value of the wrong type or form goes to ``unreadable``.

        Raises ``ValueError`` if there are more or fewer values than ``COLUMNS``.
        """
        if len(values) != len(COLUMNS):
            raise ValueError(f"a session has {len(values)} values instead of {len(COLUMNS)}")
        if _is_plain(values):
            return cls(*values)
        unreadable: dict[str, str] = {}
        for at in (*_of_wrong_type(tuple(map(type, values))), *_no_words(values), *_not_converted(values)):
            name = COLUMNS[at]
            unreadable.setdefault(name, shortened(values[at]))
            # Its id is all that names the row.
            values[at] = unreadable[name] if name == "session_id" else _STAND_INS.get(name)
        values.append(unreadable)
        return cls(*values)


# Rows are stored as arrays without column names: half the bytes, and a third of the time to write and to parse.
COLUMNS: tuple[str, ...] = tuple(one.name for one in fields(Candidate) if one.name not in {"unreadable", "future"})
MOMENTS: frozenset[str] = frozenset(_CLOCKS)
_CLOCKS_AT = tuple(map(COLUMNS.index, _CLOCKS))
_IDS_AT = tuple(map(COLUMNS.index, _IDS))
_ORIGIN_AT = COLUMNS.index("origin")
_WORDS_AT = tuple(map(COLUMNS.index, ("status", "origin", "case_state", "row_token")))
_NUMBERS = ("live_recordings", "deleted_recordings", "withdrawn_recordings", "sibling_recordings")
_NUMBERS_AT = tuple(map(COLUMNS.index, _NUMBERS))
_ids, _words, _numbers = itemgetter(*_IDS_AT), itemgetter(*_WORDS_AT), itemgetter(*_NUMBERS_AT)
_NO_MOMENT = object()
_NOTHING = type(None)
_TYPES: dict[str, tuple[type, ...]] = {
    **dict.fromkeys(COLUMNS, (str,)),
    **dict.fromkeys(("status", *_CLOCKS), (str, _NOTHING)),
    **dict.fromkeys(("case_live", "has_ingest_address", "in_question"), (bool,)),
    **dict.fromkeys(_NUMBERS, (int,)),
}
# The value used instead of one that cannot be read; the rules decide whether such a row is judged at all.
_STAND_INS: dict[str, Any] = {
    **dict.fromkeys((name for name, types in _TYPES.items() if types == (str,)), ""),
    **dict.fromkeys(("case_live", "has_ingest_address", "in_question"), True),
    **dict.fromkeys(_NUMBERS, 0),
}


@lru_cache(maxsize=1024)
def _of_wrong_type(types: tuple[type, ...]) -> tuple[int, ...]:
    """Indices of values whose type is not their column's; cached, since rows of one query hardly differ in types."""
    return tuple(at for at, name in enumerate(COLUMNS) if types[at] not in _TYPES[name])


def _is_plain(values: list[Any]) -> bool:
    """The fast path for a row without unreadable values, which is nearly every one: converts its moments in place."""
    if _of_wrong_type(tuple(map(type, values))):
        return False
    status, origin, state, token = _words(values)
    words, numbers = f"{status}{origin}{state}{token}", _numbers(values)
    if not (words.isascii() and words.isprintable() and origin in ORIGINS and all(map(is_canonical_id, _ids(values)))):
        return False
    if min(numbers) < 0 or max(numbers) >= _MOST:
        return False
    given = [(at, _moment(values[at])) for at in _CLOCKS_AT if values[at] is not None]
    if _NO_MOMENT in [moment for _, moment in given]:
        return False
    for at, moment in given:
        values[at] = moment
    return True


def _no_words(values: list[Any]) -> list[int]:
    """Indices of ids, words and numbers that are not allowed in their columns."""
    odd = [at for at in _IDS_AT if not is_canonical_id(values[at])]
    odd += [at for at in _WORDS_AT if not (str(values[at]).isascii() and str(values[at]).isprintable())]
    odd += [at for at in _NUMBERS_AT if not (type(values[at]) is int and 0 <= values[at] < _MOST)]
    return odd if str(values[_ORIGIN_AT]) in ORIGINS else [*odd, _ORIGIN_AT]


def _not_converted(values: list[Any]) -> Iterator[int]:
    """Convert the texts of moments in place; gives the indices of those that could not be converted."""
    for at in _CLOCKS_AT:
        if values[at] is not None and (moment := _moment(values[at])) is not _NO_MOMENT:
            values[at] = moment
        elif values[at] is not None:
            yield at


def _moment(text: Any) -> object:
    try:
        return from_text(text)
    except (ValueError, TypeError):  # Postgres has what Python has not: infinity, BC, 20238
        return _NO_MOMENT


def shortened(value: object) -> str:
    """An unreadable value as it may be shown: printable, and cut after ``_LONGEST_SHOWN`` characters."""
    text = "".join(character for character in str(value) if character.isprintable())
    return text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}..."


class RegisteredRecording(NamedTuple):
    """A row in ``recordings``, live or soft-deleted; its container is accounted for either way.

    ``marks`` say what is special about the row: each a ``Mark``. ``file_digest`` is the digest of the file name, None
    if it is the usual one for its session: the name itself may hold personal data and never leaves the database.
    An unreadable row keeps its id, if it has one, and the mark ``unreadable``.
    """

    recording_id: str
    session_id: str
    marks: tuple[str, ...] | list[str]
    file_digest: str | None

    @property
    def deleted(self) -> bool:
        return "deleted" in self.marks

    @property
    def readable(self) -> bool:
        return "unreadable" not in self.marks

    @property
    def key(self) -> str:
        """The form in which blob names contain its session's id; empty if the row cannot be read."""
        return self.session_id.replace("-", "") if self.readable else ""

    @classmethod
    def from_json(cls, value: list[Any]) -> Self:
        """From a JSON array in the order of the fields; any other array gives a row with the mark ``unreadable``.

        Raises ``ValueError`` for anything but an array.
        """
        if not isinstance(value, list):
            raise ValueError("a row is an array")  # noqa: TRY004 - as for any other damage
        if len(value) == len(cls._fields):
            recording_id, session_id, marks, digest = value
            ids = is_canonical_id(recording_id) and is_canonical_id(session_id)
            allowed = isinstance(marks, list) and (not marks or all(str(mark) in _ALLOWED_MARKS for mark in marks))
            if ids and allowed and (digest is None or isinstance(digest, str)):
                return cls(recording_id, session_id, marks, digest)
        found = [shortened(part) for part in value[:2]] + ["", ""]
        return cls(found[0], found[1], ("unreadable",), None)


Mark = Literal[
    "deleted",
    "child",  # an edit or a re-encode: it has a parent, or is not version 1
    "recent",  # created within the grace time
    "future",  # created at a moment that has not come yet, which says nothing
    "legacy",  # of a session that was not recorded by PRE
    "no_duration",
    "double",  # another live version 1 of the same session
    "unreadable",  # something in it is not understood
]
MARKS: tuple[str, ...] = get_args(Mark)
_ALLOWED_MARKS = frozenset(MARKS)
