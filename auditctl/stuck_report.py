"""What a report tells of stuck subjects, and which verdicts a new run mends."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from auditctl.errors import AuditctlError, BadUsageError
from auditctl.fields import Fields, printable
from auditctl.responses import Profile
from auditctl.service import Service

START_RUN: Final = "start_run"
"""The repair that starts one run for a subject."""


@dataclass(frozen=True, kw_only=True)
class Subject:
    """One subject of an audit and what is said of it. Of one that was only counted, only id and verdict are known."""

    id: str
    verdict: str
    name: str = ""
    status: str | None = None
    age_minutes: int | None = None
    tenant_id: str = ""
    reason: str = ""
    next_step: str = ""


@dataclass(frozen=True)
class StuckReport:
    """One report: its findings of one kind, and the ids of what was counted, by verdict."""

    audit_id: str
    headline: str
    complete: bool
    outcome: str
    environment: str
    age_minutes: int | None
    subjects: tuple[Subject, ...]
    counted: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True)
class Startable:
    """What a profile's repair ``start_run`` mends: the kind of its subjects, and their verdicts."""

    noun: str
    verdicts: frozenset[str]


def read_report(fields: Fields, kind: str) -> StuckReport:
    """What a report says of subjects of a kind. Raises UnexpectedResponseError."""
    audit, counted = fields.inner("audit"), fields.inner("counted").inner(kind)
    findings = [one for one in fields.objects("findings") if one.inner("subject").text("kind") == kind]
    return StuckReport(
        audit_id=audit.text("id"),
        headline=fields.optional_text("headline") or "",
        complete=fields.flag("complete"),
        outcome=fields.inner("outcome").text("word"),
        environment=audit.text("environment"),
        age_minutes=fields.inner("parameters").whole("age_minutes"),
        subjects=tuple(map(_read_subject, findings)),
        counted={printable(verdict): counted.texts(verdict) for verdict in counted.members},
    )


def _read_subject(finding: Fields) -> Subject:
    return Subject(
        id=finding.inner("subject").text("id"),
        verdict=finding.text("verdict"),
        name=finding.optional_text("name") or "",
        status=finding.optional_text("status"),
        age_minutes=finding.whole("age_minutes"),
        tenant_id=finding.optional_text("tenant_id") or "",
        reason=finding.optional_text("reason") or "",
        next_step=finding.optional_text("next_step") or "",
    )


def startable_of(profiles: Sequence[Profile], name: str, service: Service) -> Startable:
    """What a new run mends in a profile.

    Raises BadUsageError if there is no such profile, or if it has no such repair; AuditctlError if the service is too
    old to tell.
    """
    profile = next((one for one in profiles if one.name == name), None)
    if profile is not None and profile.verdicts and not any(one.is_told for one in profile.verdicts):
        raise AuditctlError(
            "The service does not tell which verdicts a new run mends: it is of an earlier release.",
            where=f"{service.address}/profiles",
            next_step=f"Update the service, or audit and repair by hand: {service.command('run', '--help')}",
        )
    mended = [] if profile is None else [one for one in profile.verdicts if one.repair == START_RUN]
    if mended:
        return Startable(mended[0].subject, frozenset(one.name for one in mended))
    able = [one.name for one in profiles if any(verdict.repair == START_RUN for verdict in one.verdicts)]
    what = "There is no such profile" if profile is None else "There is nothing to start a run for in the profile"
    raise BadUsageError(
        f"{what}: {printable(name)}. Those with a repair {START_RUN}: {', '.join(able) or 'none'}.",
        where="the command line",
        next_step=f"See what can be audited: {service.command('profiles')}",
    )
