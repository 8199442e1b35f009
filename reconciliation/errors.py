"""What can go wrong in an audit, each as one sentence for people: what, where, what next.

The texts go into logs, reports and HTTP responses, so they never hold a secret, a connection string or a person's name.
"""

from dataclasses import dataclass


class AuditError(Exception):
    """Base of every expected failure. ``retryable``: trying the same again can help."""

    retryable = False


class StorageRefusedError(AuditError, PermissionError):
    """Storage refused this identity the operation."""


class StorageUnavailableError(AuditError, ConnectionError):
    """Storage did not answer, or kept answering with a temporary failure, until the retries were used up."""

    retryable = True


class ListingError(AuditError, ValueError):
    """A response to a listing, or of an API, cannot be trusted: garbled, cut short, or endless."""

    retryable = True


class ContainerGoneError(AuditError, LookupError):
    """The container was deleted after it had been listed."""


class DatabaseRefusedError(AuditError, PermissionError):
    """The database refused the login, the database name or the read."""


class DatabaseUnavailableError(AuditError, ConnectionError):
    """The database could not be reached, or broke the connection."""

    retryable = True


class ApiRefusedError(AuditError, PermissionError):
    """An HTTP API refused the call, or does not know it: trying the same again cannot help."""


class ApiUnavailableError(AuditError, ConnectionError):
    """An HTTP API did not answer, or kept answering with a temporary failure, until the retries were used up."""

    retryable = True


class ApiInDoubtError(AuditError, ConnectionError):
    """A call that must not be repeated was sent to an HTTP API, and no answer tells whether it was carried out."""


class SettingsError(AuditError, ValueError):
    """App settings are missing or wrong; all problems are in the one message."""


class RepairRefusedError(AuditError, PermissionError):
    """A repair that must not be applied: it is not as it was approved, or not where it was planned for."""


class NotificationError(AuditError, ConnectionError):
    """A webhook did not accept a notice."""


class TooLargeError(AuditError, ValueError):
    """The account holds more containers than the app is set up for."""


class WrongAccountError(AuditError, ValueError):
    """Storage has almost nothing of what the database refers to, so they probably do not belong together."""


class RunStoreError(AuditError, RuntimeError):
    """The run store is inconsistent: for example a missing plan or a truncated artefact."""


class UnreadableError(RunStoreError):
    """A blob of the run store, at ``path``, is damaged or was written by a later release."""

    def __init__(self, path: str, where: str, why: str) -> None:
        self.path = path
        super().__init__(
            f"{path} in {where} cannot be read: {why}. If a later release wrote it, deploy that one again; if it is "
            "damaged, restore it, or start a new audit."
        )


class AuditExistsError(RunStoreError):
    """There is already an audit with that id."""


@dataclass(frozen=True)
class FieldProblem:
    """One problem of a request: the field, the value given (shortened) and what is allowed."""

    field: str
    value: str
    allowed: str


class BadRequestError(AuditError, ValueError):
    """A request with one or more problems, all of them in the one error."""

    def __init__(self, problems: list[FieldProblem]) -> None:
        self.problems = problems
        super().__init__("; ".join(f"{p.field}: {p.value} is not allowed: {p.allowed}" for p in problems))
