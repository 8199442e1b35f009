"""The words of this profile in reports, and what they show of its findings."""

from collections.abc import Callable, Iterable, Set
from typing import Any

from profiles.temp_recordings import options
from profiles.temp_recordings.work_orders import in_words
from reconciliation.showing import SUBJECT_ID, SUBJECT_KIND, Column, Fact, Form, Json, Part, Showing, member
from reconciliation.wording import Narrow, Wording, plural


def _expiring(number: int) -> str:
    return (
        f"{plural(number, 'chunk')} {'is the only copy and is' if number == 1 else 'are only copies and are'} expiring"
    )


def _none_expiring(chunks: int) -> str:
    return f"none of {plural(chunks, 'chunk')} is lost or about to be"


def _covered(_left_out: Set[str]) -> tuple[str, str]:
    return "Yes.", "Every row of a meeting in question was read, and the names and sizes of all of its files."


_LOOKED_AT = "only meetings with a chunk that is about to be deleted, or that were asked for"
_EXPIRING = Narrow(
    _LOOKED_AT,
    (
        "Of what is about to be deleted, yes.",
        f"Of meetings all rows were read, and the names and sizes of their files: {_LOOKED_AT}. No bucket was listed.",
    ),
)
WORDING = Wording(
    unit="meeting",
    not_absent="no chunk may be called lost",
    covered=_covered,
    alarm="expiring",
    alarms=_expiring,
    no_alarm="No chunk that is the only copy is about to be deleted, in what was read",
    clean=_none_expiring,
    counting={
        "chunk": "chunk",
        "recording": "recording",
        "participant": "participant",
        "meeting": "meeting",
        "file": "file",
    },
    narrow={options.EXPIRING: _EXPIRING},
    high="Somebody must act: what was said in a meeting is lost, about to be deleted, or in no recording.",
)


def _of(name: str) -> Callable[[Json], Any]:
    """A member that only some kinds have."""
    return lambda finding: finding.get(name)


_FACTS = (
    ("meeting_id", Form.CODE),
    ("user_id", Form.CODE),
    ("index", Form.NUMBER),
    ("pcm_bytes", Form.BYTES),
    ("mp3_bytes", Form.BYTES),
    ("file_bytes", Form.BYTES),
    ("bytes", Form.BYTES),
    ("mp3_ms", Form.NUMBER),
    ("expected_ms", Form.NUMBER),
    ("duration_ms", Form.NUMBER),
    ("file_ms", Form.NUMBER),
    ("chunks_ms", Form.NUMBER),
    ("chunks", Form.NUMBER),
    ("mp3_sha256", Form.CODE),
    ("file_sha256", Form.CODE),
    ("sha256", Form.CODE),
    ("started_at", Form.MOMENT),
    ("last_sign", Form.MOMENT),
    ("changed", Form.MOMENT),
    ("deleted_at", Form.MOMENT),
)


def _facts(finding: Json) -> Iterable[Fact]:
    for name, form in _FACTS:
        if finding.get(name) not in {None, ""}:
            yield Fact(name.replace("_", " ").capitalize(), (Part(finding[name], form),))
    if finding.get("work_order"):
        yield Fact("Work order", (Part(in_words(finding["work_order"]), Form.TEXT),))


_CELLS = (
    "meeting_id",
    "user_id",
    "index",
    "status",
    "created_at",
    "pcm_bytes",
    "mp3_bytes",
    "file_bytes",
    "bytes",
    "duration_ms",
    "chunks_ms",
    "deleted_at",
)
SHOWING = Showing(
    columns=(
        Column("Meeting", _of("meeting_id"), Form.CODE),
        Column("Status", _of("status"), Form.CODE),
        Column("Made", _of("created_at"), Form.MOMENT),
    ),
    cells=(
        SUBJECT_KIND,
        SUBJECT_ID,
        *map(member, ("verdict", "severity", "change")),
        *((name, _of(name)) for name in _CELLS),
        *map(member, ("reason", "next_step", "due")),
    ),
    facts=_facts,
    dated=_of("created_at"),
    event="chunk",
)
