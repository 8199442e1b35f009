"""The small pieces of HTML that the parts of the page share. What they are given from outside, they escape."""

from collections.abc import Iterable, Mapping
from html import escape
from typing import Any

from reconciliation.profile import Profile
from reconciliation.showing import Form, Part
from reconciliation.times import from_text
from reconciliation.visible import visible
from reconciliation.wording import plural
from reporting.model import ASKING, Head

SEVERITIES = tuple(severity.value for severity in ASKING)
"""The severities of findings that ask for somebody, in the order of the page."""

_UNITS = ("kB", "MB", "GB", "TB")
_STEP = 1000


def safe(text: object) -> str:
    """A text from outside, as it may stand in the page: no markup, and nothing hidden. No other module escapes."""
    return escape(visible(str(text)))


def safe_lines(text: str) -> str:
    """As ``safe``, for a text of several lines."""
    return "\n".join(safe(line) for line in text.split("\n"))


def code(text: object) -> str:
    """An id, a name or a word of the program."""
    return f"<code>{safe(text)}</code>"


def moment(text: str | None) -> str:
    """``2026-01-31 09:30 UTC``; the exact moment stays in the element's attribute."""
    if text is None:
        return "unknown"
    return f'<time datetime="{safe(text)}">{safe(text[:10])} {safe(text[11:16])} UTC</time>'


def size(count: int) -> str:
    """``512 bytes``, ``41.0 kB``, ``1.3 GB``: three digits are enough to compare."""
    if count < _STEP:
        return plural(count, "byte")
    power = min((len(str(count)) - 1) // 3, len(_UNITS))
    return f"{count / _STEP**power:,.1f} {_UNITS[power - 1]}"


def section(anchor: str, title: str, body: str) -> str:
    """A part of the page under its heading, which names it to a screen reader."""
    heading = f'<h2 id="{anchor}-title">{title}</h2>'
    return f'<section id="{anchor}" aria-labelledby="{anchor}-title">\n{heading}\n{body}\n</section>'


def table(kind: str, caption: str, columns: Iterable[str], rows: Iterable[str], *, shown: bool = True) -> str:
    """A table of ready rows under its caption; a column that begins with ``#`` holds numbers."""
    heads = "".join(
        f'<th scope="col" class="number">{column[1:]}</th>'
        if column.startswith("#")
        else f'<th scope="col">{column}</th>'
        for column in columns
    )
    label = f"<caption{'' if shown else ' class=unseen'}>{caption}</caption>"
    body = "\n".join(rows)
    return f'<table class="{kind}">\n{label}\n<thead><tr>{heads}</tr></thead>\n<tbody>\n{body}\n</tbody>\n</table>'


def items(texts: Iterable[str]) -> str:
    """A list of ready texts."""
    return "<ul>" + "".join(f"<li>{text}</li>" for text in texts) + "</ul>"


def verdict_link(verdict: str) -> str:
    """A verdict that leads to its findings; the script narrows the page to them."""
    return f'<a href="#findings" data-show="{safe(verdict)}">{code(verdict)}</a>'


def runbook_link(address: str | None) -> str:
    """Where people wrote down what to do about a verdict, if they did. The other side learns nothing of this page."""
    if address is None:
        return ""
    return f' <a class="runbook" href="{safe(address)}" rel="noreferrer noopener">Runbook</a>'


def places(audit: Mapping[str, Any], profile: Profile) -> list[tuple[str, Any]]:
    """What a report is of: each place under what it is called, or None if it was not looked at."""
    return [(one.shown.replace("_", " "), audit[one.shown]) for one in profile.connections]


def place(of: str | Mapping[str, str | None]) -> str:
    """An account; or ``pre`` at ``db.example``, without what the database's URL leaves out."""
    if isinstance(of, str):
        return code(of)
    name = code(of["name"]) if of["name"] else "of the server's default name"
    return f"{name} at {code(of['host'])}" if of["host"] else name


def is_ahead(due: str, report: Head) -> bool:
    """True if a moment is still to come, as the report sees it."""
    return from_text(due) > from_text(report["audit"]["as_of"])


def cut_note(shown: int, count: int, file: str) -> str:
    """What a reader must know of a list that is not whole; nothing if it is."""
    return f"<p>The first {shown:,} of {count:,} are shown; all of them are in {file}.</p>\n" if count > shown else ""


def by_kind(rows: Iterable[dict[str, Any]], kind: str) -> list[dict[str, Any]]:
    """Those of a report's ``verdicts`` that speak of one kind of subject."""
    return [row for row in rows if row["subject"] == kind]


def written(part: Part) -> str:
    """A piece of a profile's sentence."""
    match part.form:
        case Form.CODE:
            return code(part.value)
        case Form.MOMENT:
            return moment(part.value)
        case Form.NUMBER:
            return f"{part.value:,}"
        case Form.BYTES:
            return size(part.value)
        case _:
            return safe(part.value)


def sentence(parts: Iterable[Part]) -> str:
    """All pieces of it."""
    return "".join(map(written, parts))


def noun(profile: Profile, kind: str) -> str:
    """What a reader calls a subject of that kind; a kind that the profile has no more keeps its name."""
    known = profile.kind(kind)
    return safe(known.noun if known else kind)
