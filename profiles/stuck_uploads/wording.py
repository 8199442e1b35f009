"""The words of this profile in reports, and what they show of its findings."""

from collections.abc import Callable, Iterable, Iterator, Set
from typing import Any

from reconciliation.showing import (
    SUBJECT_ID,
    SUBJECT_KIND,
    Column,
    Exhibit,
    Fact,
    Form,
    Json,
    Part,
    Showing,
    member,
)
from reconciliation.wording import Wording, plural


def _stuck(number: int) -> str:
    return f"{plural(number, 'video')} {'is' if number == 1 else 'are'} stuck"


def _none_stuck(videos: int) -> str:
    return f"none of {plural(videos, 'video')} is stuck"


def _covered(_left_out: Set[str]) -> tuple[str, str]:
    return "Yes.", "Every folder of a video in question was read, and every run of its deployment."


WORDING = Wording(
    unit="folder",
    not_absent="no video may be called never started",
    covered=_covered,
    alarm="stuck",
    alarms=_stuck,
    no_alarm="No stuck video was found in what was read",
    clean=_none_stuck,
    counting={"video": "video", "object": "orphaned folder", "run": "orphaned run"},
    high="Somebody must act: a video is stuck, lost, or about to be processed twice.",
)


def _of(name: str) -> Callable[[Json], Any]:
    """A member that only some kinds have."""
    return lambda finding: finding.get(name)


def _facts(finding: Json) -> Iterable[Fact]:
    for name, form in (
        ("tenant_id", Form.CODE),
        ("video_id", Form.CODE),
        ("size_bytes", Form.BYTES),
        ("source_bytes", Form.BYTES),
        ("outputs", Form.NUMBER),
        ("objects", Form.NUMBER),
        ("newest", Form.MOMENT),
    ):
        if finding.get(name) not in {None, ""}:
            yield Fact(name.replace("_", " ").capitalize(), (Part(finding[name], form),))
    if finding.get("is_edited"):
        yield Fact("Edited", (Part("people have edited it, or are about to"),))


def _exhibits(finding: Json) -> Iterator[Exhibit]:
    for run in finding.get("runs", ()):
        moment = run["ended"] or run["since"] or run["started"]
        when = () if moment is None else (Part(", "), Part(moment, Form.MOMENT))
        yield Exhibit((Part("Run "), Part(run["id"], Form.CODE), Part(f": {run['state']}"), *when))


def _runs(finding: Json) -> str:
    return " ".join(run["id"] for run in finding.get("runs", ()))


_CELLS = (
    "name",
    "status",
    "created_at",
    "age_minutes",
    "tenant_id",
    "size_bytes",
    "source_bytes",
    "outputs",
    "is_edited",
)
SHOWING = Showing(
    columns=(
        Column("Name", _of("name")),
        Column("Status", _of("status"), Form.CODE),
        Column("Made", _of("created_at"), Form.MOMENT),
    ),
    cells=(
        SUBJECT_KIND,
        SUBJECT_ID,
        *map(member, ("verdict", "severity", "change")),
        *((name, _of(name)) for name in _CELLS),
        ("runs", _runs),
        *map(member, ("reason", "next_step", "due")),
    ),
    facts=_facts,
    exhibits=_exhibits,
    summary=lambda finding: f"Facts, and {plural(len(finding.get('runs', ())), 'run')}",
    dated=_of("created_at"),
    event="upload",
)
