"""The end of the page: what every verdict means, and how the audit was asked."""

from html import escape
from typing import Any

from reconciliation.report.markup import KINDS, by_kind, code, section, table
from reconciliation.report.model import Head


def verdicts_section(report: Head) -> str:
    """A table for each kind of subject, in the order in which the rules are tried."""
    tables = "\n".join(
        table(
            "verdicts",
            f"What a {noun} can get",
            ("Verdict", "Severity", f"#{noun.capitalize()}s", "Meaning"),
            (_row(row) for row in by_kind(report["verdicts"], kind)),
        )
        for kind, noun in KINDS.items()
    )
    return section(
        "verdicts",
        "What the verdicts mean",
        "<p>Every subject gets the first verdict of its table that holds. Those marked “counted” ask for nothing and "
        f"are never listed one by one.</p>\n{tables}",
    )


def _row(row: dict[str, Any]) -> str:
    severity = "counted" if row["counted"] else escape(row["severity"])
    return (
        f'<tr><th scope="row">{code(row["verdict"])}</th><td><span class="mark {severity}">{severity}</span></td>'
        f'<td class="number">{row["count"]:,}</td><td>{escape(row["meaning"])}</td></tr>'
    )


def asked_section(report: Head) -> str:
    """The parameters, the waiting time and the versions."""
    audit = report["audit"]
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
    rows = (
        f'<tr><th scope="row">{escape(name)}</th><td>{escape(str(value))}</td></tr>' for name, value in facts.items()
    )
    return section(
        "asked",
        "How this was asked",
        table("plain", "Parameters and versions", ("Name", "Value"), rows, shown=False),
    )


def _shown(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(str(item) for item in value) or "all"
    return "any" if value is None else str(value)
