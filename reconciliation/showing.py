"""What a profile shows of its findings, as data; reports make a page and a table of it.

All of it is read from findings as report.json holds them (see ``Kind.shown``).
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from typing import Any, NamedTuple

Json = dict[str, Any]


class Form(StrEnum):
    """How a value is written for a reader."""

    TEXT = "text"
    CODE = "code"  # an id, a name or a word of a program
    MOMENT = "moment"  # ISO 8601, UTC
    NUMBER = "number"
    BYTES = "bytes"


class Part(NamedTuple):
    """A piece of a sentence."""

    value: Any
    form: Form = Form.TEXT


@dataclass(frozen=True)
class Column:
    """A column of the table of findings; a value of None is an empty cell."""

    title: str
    read: Callable[[Json], Any]
    form: Form = Form.TEXT


@dataclass(frozen=True)
class Fact:
    """One fact about a subject, with its title."""

    title: str
    parts: tuple[Part, ...]


@dataclass(frozen=True)
class Exhibit:
    """A piece of evidence: a sentence about it, and one about each relevant thing in it."""

    parts: tuple[Part, ...]
    items: tuple[tuple[Part, ...], ...] = ()


def _none(_finding: Json) -> tuple[()]:
    return ()


def _nothing(_finding: Json) -> None:
    return None


@dataclass(frozen=True)
class Showing:
    """What a page and a table show; ``fields_of`` makes one that shows fields as they are.

    ``columns`` are those of the page between verdict and reason; ``facts`` and ``exhibits`` are folded below a finding,
    under ``summary``. ``dated`` gives the moment that a finding is about, and ``event`` is the noun for it. ``cells``
    are all columns of findings.csv by name, in order; new ones are added at the end.
    """

    columns: tuple[Column, ...]
    cells: tuple[tuple[str, Callable[[Json], Any]], ...]
    facts: Callable[[Json], Iterable[Fact]] = _none
    exhibits: Callable[[Json], Iterable[Exhibit]] = _none
    summary: Callable[[Json], str] = lambda _finding: "Facts"
    dated: Callable[[Json], str | None] = _nothing
    event: str = "event"


# What every finding has, for the cells of a profile's table.
SUBJECT_KIND = ("subject_kind", lambda finding: finding["subject"]["kind"])
SUBJECT_ID = ("subject_id", lambda finding: finding["subject"]["id"])


def fields_of(names: Iterable[str]) -> Showing:
    """A column for each of these members of findings; the table also has the members of every finding."""
    columns = tuple(Column(_title(name), partial(_text, name)) for name in names)
    cells = tuple((name, partial(_value, name)) for name in names)
    before, behind = map(member, ("verdict", "severity", "change")), map(member, ("reason", "next_step", "due"))
    return Showing(columns, (SUBJECT_KIND, SUBJECT_ID, *before, *cells, *behind))


def _title(name: str) -> str:
    return name.replace("_", " ").capitalize()


def _value(name: str, finding: Json) -> Any:
    value = finding.get(name)
    return " ".join(map(str, value)) if isinstance(value, list) else value


def _text(name: str, finding: Json) -> Any:
    value = _value(name, finding)
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "none" if value == "" else value


def member(name: str) -> tuple[str, Callable[[Json], Any]]:
    """A cell that holds a member of the finding."""
    return name, lambda finding: finding[name]
