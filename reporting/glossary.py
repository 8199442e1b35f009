"""The end of the page: what its subjects are known by, what every verdict means, and how the audit was asked."""

from typing import Any

from reconciliation.profile import Profile
from reconciliation.wording import a, plural
from reporting.markup import by_kind, code, place, places, runbook_link, safe, safe_lines, section, table
from reporting.model import Head


def verdicts_section(report: Head, profile: Profile) -> str:
    """A table for each kind of subject, in the order in which the rules are tried."""
    tables = "\n".join(
        table(
            "verdicts",
            f"What {a(kind.noun)} can get",
            ("Verdict", "Severity", f"#{kind.noun.capitalize()}s", "Meaning"),
            (_row(row) for row in by_kind(report["verdicts"], kind.name)),
        )
        for kind in profile.kinds
    )
    return section(
        "verdicts",
        "What the verdicts mean",
        "<p>Every subject gets the first verdict of its table that holds. Those marked “counted” ask for nothing and "
        f"are never listed one by one.</p>\n{tables}",
    )


def _row(row: dict[str, Any]) -> str:
    severity = "counted" if row["counted"] else safe(row["severity"])
    return (
        f'<tr><th scope="row">{code(row["verdict"])}</th><td><span class="mark {severity}">{severity}</span></td>'
        f'<td class="number">{row["count"]:,}</td><td>{safe(row["meaning"])}{runbook_link(row["runbook"])}</td></tr>'
    )


def look_up_section(report: Head, profile: Profile) -> str:
    """The statement that tells whoever may read the database what subjects these are; one click selects all of it."""
    look_up = report["look_up"]
    if look_up is None:
        return ""
    cut = look_up["of"] > look_up["cases"]
    noun, heading, tells = profile.wording.named
    them = plural(look_up["of"], noun)
    which = f"the {look_up['cases']:,} most urgent of {them}" if cut else them
    return section(
        f"{noun}s",
        heading,
        f"<p>This report holds ids only. Where you may read the database, this statement tells {tells} of "
        f"{which} with findings. One click selects it.</p>\n"
        f'<pre class="statement" tabindex="0" aria-label="SQL statement">{safe_lines(look_up["sql"])}</pre>',
    )


def asked_section(report: Head, profile: Profile) -> str:
    """What was audited, the parameters, the waiting time and the versions."""
    audit = report["audit"]
    known = {"Environment": safe(audit["environment"])}
    known |= {name.capitalize(): place(of) if of else "not looked at" for name, of in places(audit, profile)}
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
    told = known | {name: safe(value) for name, value in facts.items()}
    rows = (f'<tr><th scope="row">{safe(name)}</th><td>{value}</td></tr>' for name, value in told.items())
    return section(
        "asked",
        "How this was asked",
        table("plain", "Parameters and versions", ("Name", "Value"), rows, shown=False),
    )


def _shown(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(str(item) for item in value) or "all"
    return "any" if value is None else str(value)
