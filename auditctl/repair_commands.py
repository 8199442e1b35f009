"""The commands about repairs, as frozen values."""

from dataclasses import dataclass
from pathlib import Path

from auditctl.commands import Command, Following


@dataclass(frozen=True, kw_only=True)
class ProposeRepair(Following):
    """Have a plan made for findings of an audit: those of these ids and verdicts, or all that can be repaired."""

    audit_id: str
    only: tuple[str, ...]
    verdicts: tuple[str, ...]
    most: int | None
    by: str | None

    def body(self) -> dict[str, object]:
        """The request's body: only what was given, since the service has the defaults."""
        wanted = {
            "findings": list(self.only) or None,
            "verdicts": list(self.verdicts) or None,
            "max": self.most,
            "by": self.by,
        }
        return {name: value for name, value in wanted.items() if value is not None}


@dataclass(frozen=True, kw_only=True)
class ShowRepair(Command):
    repair_id: str
    as_json: bool


@dataclass(frozen=True, kw_only=True)
class ListRepairs(Command):
    profile: str | None
    limit: int | None
    as_json: bool


@dataclass(frozen=True, kw_only=True)
class ApproveRepair(Following):
    """Approve the plan with this digest; with ``wait``, watch it being applied. ``sure`` asks nothing on a terminal."""

    repair_id: str
    digest: str
    reason: str
    by: str | None
    sure: bool
    wait: bool


@dataclass(frozen=True, kw_only=True)
class RejectRepair(Command):
    """Reject the plan with this digest."""

    repair_id: str
    digest: str
    reason: str
    by: str | None


@dataclass(frozen=True, kw_only=True)
class StopRepair(Command):
    """Stop a repair before its next change."""

    repair_id: str
    by: str | None


@dataclass(frozen=True, kw_only=True)
class UndoRepair(Following):
    """Have a plan made that takes back what a repair has done."""

    repair_id: str
    by: str | None


@dataclass(frozen=True, kw_only=True)
class GivePseudonym(Command):
    """Let somebody be called otherwise in a repair that has ended."""

    repair_id: str
    name: str
    pseudonym: str
    by: str | None


@dataclass(frozen=True, kw_only=True)
class ListPolicies(Command):
    """Show what is repaired without a person."""

    as_json: bool


@dataclass(frozen=True, kw_only=True)
class ResumePolicy(Command):
    """Let a policy go on that has paused itself."""

    profile: str
    reason: str
    by: str | None


@dataclass(frozen=True, kw_only=True)
class ExportRepair(Command):
    """Save plan, decision, ledger and verification in one file."""

    repair_id: str
    output: Path
