"""The end of the page: what its subjects are known by, what every verdict means, and how the audit was asked."""

from typing import Any, NamedTuple

from reconciliation.profile import Profile
from reconciliation.wording import a, plural
from reporting.model import Head
from reporting.places import Place, places
from reporting.reading import by_kind


class LookUp(NamedTuple):
    """The statement that tells whoever may read the database what subjects these are."""

    anchor: str
    heading: str
    tells: str
    lines: list[str]


class Meaning(NamedTuple):
    """What a verdict means; ``style`` is how its severity is marked, in a word."""

    verdict: str
    style: str
    number: int
    meaning: str
    runbook: str | None


class Verdicts(NamedTuple):
    """The verdicts of one kind of subject, in the order in which the rules are tried."""

    caption: str
    column: str
    rows: list[Meaning]


def look_up(report: Head, profile: Profile) -> LookUp | None:
    """None if no finding has such a name."""
    asked = report["look_up"]
    if asked is None:
        return None
    noun, heading, tells = profile.wording.named
    them = plural(asked["of"], noun)
    which = f"the {asked['cases']:,} most urgent of {them}" if asked["of"] > asked["cases"] else them
    return LookUp(f"{noun}s", heading, f"{tells} of {which}", asked["sql"].split("\n"))


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
                )
                for row in by_kind(report, kind.name)
            ],
        )
        for kind in profile.kinds
    ]


def asked(report: Head, profile: Profile) -> dict[str, Place | str]:
    """What was audited, the parameters, the waiting time and the versions, by name."""
    audit = report["audit"]
    known = {name.capitalize(): place or "not looked at" for name, place in places(audit, profile).items()}
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
    return {"Environment": audit["environment"]} | known | {name: str(of) for name, of in facts.items()}


def _shown(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(str(item) for item in value) or "all"
    return "any" if value is None else str(value)
