"""The errors of a command: what happened, where, and what to do next."""

from auditctl.outcome import Outcome


class AuditctlError(Exception):
    """The base of all errors that end a command: what happened, where, what next, and the exit code."""

    def __init__(self, what: str, *, where: str, next_step: str, outcome: Outcome = Outcome.FAILED) -> None:
        super().__init__(what)
        self.what = what
        self.where = where
        self.next_step = next_step
        self.outcome = outcome

    def lines(self) -> str:
        """The error as it is printed on standard error."""
        return f"auditctl: {self.what}\n  where: {self.where}\n  next:  {self.next_step}"


class BadUsageError(AuditctlError, ValueError):
    """The command line or the environment is wrong; nothing was sent."""

    def __init__(self, what: str, *, where: str, next_step: str) -> None:
        super().__init__(what, where=where, next_step=next_step, outcome=Outcome.BAD_USAGE)


class RefusedError(AuditctlError, ValueError):
    """The service refused a request. ``active_id`` is the audit that is in the way, if any."""

    def __init__(
        self, what: str, *, where: str, next_step: str, outcome: Outcome, status: int, active_id: str | None = None
    ) -> None:
        super().__init__(what, where=where, next_step=next_step, outcome=outcome)
        self.status = status
        self.active_id = active_id


class UnavailableError(AuditctlError, ConnectionError):
    """The service did not respond, or is temporarily unavailable; the same request may work later."""

    def __init__(self, what: str, *, where: str, next_step: str, retry_after: float | None = None) -> None:
        super().__init__(what, where=where, next_step=next_step)
        self.retry_after = retry_after


class UnexpectedResponseError(AuditctlError, ValueError):
    """The service's response is not one that this program understands."""

    def __init__(self, what: str, *, where: str) -> None:
        super().__init__(
            what,
            where=where,
            next_step="Check that the address is the audit service's API (it ends in /api) and that versions match.",
        )
