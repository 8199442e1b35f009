"""A small system for tests of the engine: books that a catalogue names, on shelves that are opened one by one."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta
from typing import Any

from profiles.pre_capture_sessions import PROFILE as ANY_PROFILE
from reconciliation.clock import Clock
from reconciliation.coverage import Coverage, Gap
from reconciliation.looks import MISSING, PLACED, UNITS, Audit, Group, Screened
from reconciliation.lookups import BlobsOf
from reconciliation.profile import Connection, Grouped, Join, Keys, Open, Scan, Source, Technology
from reconciliation.queries import Containers, SqlRows
from reconciliation.rules import Kind, Rule, Severity, counted
from tests.profiles.pre_capture_sessions.world import AS_OF, MINUTE, NOW, TOLERANCE

NOTHING_LISTED = Gap("no shelf was listed", "Look for the library.")


def rule(verdict: str, text: str, *, modes: tuple[str, ...] | None = None, needs: tuple[str, ...] = ()) -> Rule[str]:
    """A rule of books whose facts contain this text."""
    return Rule(
        verdict=verdict,
        severity=Severity.LOW,
        means="It is odd.",
        holds=lambda facts: text in facts,
        why=lambda facts: f"It is {facts}.",
        next_step="Look.",
        modes=modes,
        needs=needs,
    )


UNVERIFIED = replace(rule("unverified", ""), severity=Severity.UNKNOWN)
BOOKS: Kind[str] = Kind(
    "book",
    "book",
    (
        rule("inside", "inside", modes=("deep",)),
        rule("outside", "outside"),
        rule("either", "either in deep", modes=("deep",)),
        rule("either", "either in quick", modes=("quick",)),
        replace(counted("absent", "Nobody has it.", lambda facts: facts == "absent"), needs=("catalogue", UNITS)),
        counted("fine", "It is in order.", lambda _facts: True),
    ),
    lambda facts: {"facts": facts},
    keeps_ids=True,
    unverified=UNVERIFIED,
)


class Shelves(Grouped):
    """Rows of books and of loans are their facts as texts; a shelf names the books that stand on it."""

    name = "shelves"
    title = "Shelves"
    description = "Books, against shelves."
    wording = ANY_PROFILE.wording
    showing = ANY_PROFILE.showing
    connections = (
        Connection("SHELVES", Technology.STORAGE, "storage_account"),
        Connection("CATALOGUE", Technology.DATABASE, "database"),
    )
    sources: tuple[Source, ...] = (
        Source("shelves", "SHELVES", lambda *_: Containers(), unique=True, if_empty=NOTHING_LISTED),
        Source("catalogue", "CATALOGUE", lambda *_: SqlRows("catalogue")),
        Source("loans", "CATALOGUE", lambda *_: SqlRows("loans"), lambda *_: SqlRows("loans again")),
        Source("shelves_again", "SHELVES", lambda *_: Containers(), after_scan=True),
        Source("doors", "SHELVES", lambda *_: Containers()),
    )
    joins = (
        Join("shelves", (("shelves", str), ("shelves_again", str))),
        Join("books", (("catalogue", str), ("loans", str))),
    )
    scan = Scan(
        "shelves",
        open=lambda group, _asked: Open() if group.rows[0] else None,
        lookups=lambda unit, _hint: (BlobsOf("SHELVES", unit),),
        reduce=lambda _unit, answers, _latest: [blob.name for page in answers[0] for blob in page.kept],
    )
    kinds = (BOOKS,)
    modes = ("deep", "quick")
    only = Keys("books", "names of books")

    def screen(self, join: str, group: Group, audit: Audit) -> Screened:
        """Shelves name books, and books are as ``Grouped`` has it."""
        if join == "books":
            return super().screen(join, group, audit)
        read = isinstance(group.evidence, list)
        links = [("books", book) for book in group.evidence] if read else []
        return Screened(
            in_doubt=not read, links=links, sightings=[(PLACED if read else MISSING, AS_OF if read else None)]
        )

    def facts(
        self,
        join: str,
        group: Group,
        before: Group | None,
        audit: Audit,
    ) -> Iterable[tuple[str, str, Any]]:
        """All of it, in one text."""
        rows = [fact for of_source in group.rows for fact in of_source]
        again = "" if before is None else f" after {len(before.rows[0])}"
        yield "book", group.key, (" ".join(rows) or ("here" if group.links else "absent")) + again


SHELVES = Shelves()
CLOCK = Clock(AS_OF, 60 * MINUTE, timedelta(minutes=20), NOW, TOLERANCE)


def audit(*, listed: int = 0, lost: frozenset[str] = frozenset(), mode: str = "deep") -> Audit:
    """One in which nothing was taken in."""
    return Audit(SHELVES.parameters(mode=mode), CLOCK, Coverage(listed), lost)


def book(key: str, *facts: str, links: tuple[Any, ...] = ()) -> Group:
    """A book of which the catalogue has these facts."""
    return Group(key, (facts, ()), links=links)


def shelf(key: str, evidence: Any) -> Group:
    """A shelf that was listed twice."""
    return Group(key, ((key,), (key,)), evidence)
