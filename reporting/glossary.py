"""The end of the page: looking up the subjects' names, the meaning of every verdict, and the audit's parameters."""

from typing import Any, NamedTuple

from reconciliation.profile import Profile
from reconciliation.wording import a, plural
from reporting.model import Head
from reporting.places import Place, places
from reporting.reading import Remedy, by_kind, remedy


class LookUp(NamedTuple):
    """The SQL statement for looking up the subjects in the database, and the texts around it."""

    anchor: str
    heading: str
    tells: str
    lines: list[str]


class Meaning(NamedTuple):
    """What a verdict means; ``style`` is how its severity is marked, in a word; ``repair``, how it can be repaired."""

    verdict: str
    style: str
    number: int
    meaning: str
    runbook: str | None
    repair: Remedy | None


class Verdicts(NamedTuple):
    """The verdicts of one kind of subject, in the order in which the rules are tried."""

    caption: str
    column: str
    rows: list[Meaning]


def look_up(report: Head, profile: Profile) -> LookUp | None:
    """None if the report has no such statement."""
    statement = report["look_up"]
    if statement is None:
        return None
    noun, heading, tells = profile.wording.named
    them = plural(statement["of"], noun)
    which = f"the {statement['cases']:,} most urgent of {them}" if statement["of"] > statement["cases"] else them
    return LookUp(f"{noun}s", heading, f"{tells} of {which}", statement["sql"].split("\n"))


def verdicts(report: Head, profile: Profile) -> list[Verdicts]:
    """A table for each kind of subject."""
    return [
        Verdicts(
            caption=f"What {a(kind.noun)} can get",
            column=f"{kind.noun.capitalize()}s",
            rows=[
                Meaning(
                    verdict=row["verdict"],
                    style="counted" if row["counted"] else row["severity"],
                    number=row["count"],
                    meaning=row["meaning"],
                    runbook=row["runbook"],
                    repair=remedy(report, row["verdict"], profile) if row["count"] else None,
                )
                for row in by_kind(report, kind.name)
            ],
        )
        for kind in profile.kinds
    ]


def setup(report: Head, profile: Profile) -> dict[str, Place | str]:
    """The places, parameters, waiting time and versions of an audit, by name."""
    audit = report["audit"]
    places_read = {name.capitalize(): place or "not looked at" for name, place in places(audit, profile).items()}
    facts = {
        "Profile": audit["profile"],
        "Audit": audit["id"],
        "Started": audit["created_at"],
        "As of": audit["as_of"],
        "Report written": audit["generated_at"],
        "Resumed": f"{audit['resumes']} times" if audit["resumes"] else "never",
        **{name.replace("_", " ").capitalize(): _shown(value) for name, value in report["parameters"].items()},
        "Settle minutes": report["settle_minutes"],
        "Version": report["versions"]["capture_audit"],
        "Report schema": report["schema_version"],
    }
    return {"Environment": audit["environment"]} | places_read | {name: str(of) for name, of in facts.items()}


def _shown(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(str(item) for item in value) or "all"
    return "any" if value is None else str(value)
