"""The commands about what is stuck, as frozen values."""

from dataclasses import dataclass

from auditctl.commands import Following


@dataclass(frozen=True, kw_only=True)
class Find(Following):
    """Audit a profile, and show what is stuck: at least ``age_minutes`` old, or as old as the service says."""

    profile: str
    age_minutes: int | None

    @property
    def asked(self) -> dict[str, object]:
        """The request's body: only what was given, since the service has the defaults."""
        options = None if self.age_minutes is None else {"age_minutes": self.age_minutes}
        wanted = {"profile": self.profile, "options": options}
        return {name: value for name, value in wanted.items() if value is not None}

    @property
    def age_words(self) -> tuple[str, ...]:
        """The option of its command line that says how old."""
        return () if self.age_minutes is None else ("--age-minutes", str(self.age_minutes))


@dataclass(frozen=True, kw_only=True)
class Retry(Find):
    """Audit a profile, and start one run for each subject that needs one, after an approval.

    ``only`` narrows it to these ids. ``dry_run`` shows what would be started, and proposes nothing; ``yes`` approves
    without asking.
    """

    only: tuple[str, ...]
    dry_run: bool
    yes: bool
    by: str | None
    reason: str

    @property
    def asked(self) -> dict[str, object]:
        """The request's body, as of ``Find``."""
        return super().asked | ({"only": list(self.only)} if self.only else {})

    @property
    def fault(self) -> str | None:
        """What is wrong with how its options are combined; None if nothing is."""
        return "--yes starts runs, --dry-run starts none: give one of them" if self.dry_run and self.yes else None
