"""The output for a pipe or a log file: lines of ``key=value`` pairs, no escape codes, only when something changed."""

from collections.abc import Sequence
from typing import TextIO

from auditctl.responses import Audit, DeadLetter, Health, Profile
from auditctl.service import Service
from auditctl.wording import key_value, now, places


class Lines:
    """Prints to ``stream``. Lines of a watched audit begin with the time and name their kind as ``event=``."""

    def __init__(self, service: Service, stream: TextIO) -> None:
        self._service = service
        self._stream = stream
        self._last_progress = ""
        self._last_trouble: str | None = None

    def accepted(self, audit: Audit) -> None:
        watch = self._service.command("watch", audit.id)
        self._event(event="accepted", audit=audit.id, profile=audit.profile, state=audit.state, watch=watch)

    def progress(self, audit: Audit) -> None:
        """One line if anything but the estimated time has changed."""
        progress = audit.progress
        line = key_value(
            event="progress",
            audit=audit.id,
            profile=audit.profile,
            state=audit.state,
            phase=audit.phase,
            percent=progress.percent,
            units_listed=progress.listed,
            units_scanned=progress.scanned,
            units_skipped=progress.skipped,
            units_failed=progress.failed,
            shards_total=progress.shards_total,
            shards_done=progress.shards_done,
            shards_failed=progress.shards_failed,
            blobs=progress.blobs,
        )
        if line != self._last_progress:
            self._last_progress = line
            self._write(f"{now()} {line} {key_value(eta_seconds=progress.eta_seconds)}")

    def trouble(self, what: str, seconds_left: float) -> None:
        """One line per new kind of trouble, not per try."""
        if what != self._last_trouble:
            self._last_trouble = what
            self._event(event="trouble", detail=what, gives_up_in_seconds=max(round(seconds_left), 0))

    def recovered(self) -> None:
        self._last_trouble = None
        self._event(event="recovered")

    def ended(self, audit: Audit) -> None:
        """The outcome, the verdicts by severity (info: needs nobody), what was audited, the coverage, the report."""
        outcome, progress = audit.outcome, audit.progress
        self._event(
            event="ended",
            audit=audit.id,
            state=audit.state,
            outcome=outcome.word,
            code=outcome.value,
            headline=audit.headline,
            error=audit.error,
        )
        for given in audit.given:
            self._event(
                event="verdict", audit=audit.id, verdict=given.verdict, count=given.count, severity=given.severity
            )
        if of := audit.audited:
            pairs = {"event": "audited", "audit": audit.id, "environment": of.environment}
            self._event(**{**pairs, **places(of), **pairs})
        if since := audit.since_last:
            self._event(
                event="since_last",
                audit=audit.id,
                previous=since.previous,
                new=since.new,
                persisting=since.persisting,
                resolved=since.resolved,
            )
        self._event(
            event="coverage",
            audit=audit.id,
            listed=progress.listed,
            scanned=progress.scanned,
            skipped=progress.skipped,
            failed=progress.failed,
            blobs=progress.blobs,
        )
        if audit.resumes:
            self._event(event="resumed", audit=audit.id, times=audit.resumes)
        if audit.dead_letters:
            see = self._service.command("dead-letters", audit.id)
            self._event(event="dead_letters", audit=audit.id, shards=audit.dead_letters, see=see)
        if audit.has_report:
            self._event(event="report", url=self._service.report_url(audit.id), get=self._service.get_report(audit.id))

    def audits(self, audits: Sequence[Audit], unreadable: Sequence[str] = ()) -> None:
        """One line per audit, then one per blob that cannot be read; nothing if there are none."""
        for audit in audits:
            self._write(
                key_value(
                    audit=audit.id,
                    profile=audit.profile,
                    state=audit.state,
                    outcome=audit.outcome.word if audit.ended else None,
                    created_at=audit.created_at,
                    headline=audit.headline,
                )
            )

        for path in unreadable:
            self._write(key_value(unreadable=path))

    def dead_letters(self, audit_id: str, letters: Sequence[DeadLetter]) -> None:
        """One line per dead letter, nothing if there are none."""
        for letter in letters:
            decision = letter.discarded
            self._write(
                key_value(
                    audit=audit_id,
                    shard=letter.shard,
                    start=letter.start,
                    units=letter.units,
                    failed=letter.failed,
                    attempts=letter.attempts,
                    first_at=letter.first_at,
                    last_at=letter.last_at,
                    state="discarded" if decision else "open",
                    discarded_by=decision.by if decision else None,
                    discarded_at=decision.at if decision else None,
                    reason=decision.reason if decision else None,
                    error=letter.first_error,
                )
            )

    def profiles(self, profiles: Sequence[Profile]) -> None:
        """One line per profile, with the choices and defaults of its options."""
        for profile in profiles:
            pairs: dict[str, str | float | None] = {"profile": profile.name, "title": profile.title}
            for option in profile.options:
                if option.choices:
                    pairs[option.name] = ",".join(option.choices)
                    pairs[f"default_{option.name}"] = ",".join(option.default)
            self._write(key_value(**pairs, description=profile.description))

    def health(self, health: Health) -> None:
        """One line for the service, one per check."""
        pairs = {name: text for name, text in (("version", health.version), ("commit", health.commit)) if text}
        self._write(key_value(service=self._service.address, status=health.status, **pairs))
        for check in health.checks:
            self._write(key_value(check=check.name, ok=check.ok, detail=check.detail))

    def done(self, what: str) -> None:
        self._write(what)

    def close(self) -> None:
        """Does nothing."""

    def _event(self, **pairs: str | float | None) -> None:
        self._write(f"{now()} {key_value(**pairs)}")

    def _write(self, line: str) -> None:
        print(line, file=self._stream, flush=True)
