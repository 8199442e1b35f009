"""What can go wrong in an audit, each as one sentence for people: what, where, what next.

The texts are written for logs, reports and HTTP answers alike, so they never hold a secret, a connection string or a
person's name.
"""

from dataclasses import dataclass


class AuditError(Exception):
    """Base of every expected failure. ``retryable`` tells whether trying the same again can help."""

    retryable = False


class StorageRefusedError(AuditError, PermissionError):
    """Storage answered that this identity may not do that."""


class StorageUnavailableError(AuditError, ConnectionError):
    """Storage did not answer, or kept answering with a temporary failure, until the retries were used up."""

    retryable = True


class ListingError(AuditError, ValueError):
    """Storage answered a listing in a way that cannot be trusted: garbled, cut short, or going round in circles."""

    retryable = True


class ContainerGoneError(AuditError, LookupError):
    """The container was deleted after it had been listed."""


class DatabaseRefusedError(AuditError, PermissionError):
    """The database refused the login, the database name or the read."""


class DatabaseUnavailableError(AuditError, ConnectionError):
    """The database could not be reached, or broke the connection."""

    retryable = True


class SettingsError(AuditError, ValueError):
    """App settings are missing or wrong; all problems are in the one message."""


class NotificationError(AuditError, ConnectionError):
    """A webhook did not take a notice."""


class TooLargeError(AuditError, ValueError):
    """The account holds more containers than the app is set up for."""


class WrongAccountError(AuditError, ValueError):
    """Storage has almost nothing of what the database speaks of: the two hardly belong together."""


class RunStoreError(AuditError, RuntimeError):
    """The run store holds something that cannot be: a missing plan, a cut artefact."""


class UnreadableError(RunStoreError):
    """A blob of the run store is damaged, or of a later release; ``path`` tells which."""

    def __init__(self, path: str, where: str, why: str) -> None:
        self.path = path
        super().__init__(
            f"{path} in {where} cannot be read: {why}. If a later release wrote it, deploy that one again; if it is "
            "damaged, restore it, or start a new audit."
        )


class AuditExistsError(RunStoreError):
    """There is an audit of that id already."""


@dataclass(frozen=True)
class FieldProblem:
    """One thing wrong with a request: the field, the value seen (shortened) and what is allowed."""

    field: str
    value: str
    allowed: str


class BadRequestError(AuditError, ValueError):
    """A request with one or more problems, all of them told at once."""

    def __init__(self, problems: list[FieldProblem]) -> None:
        self.problems = problems
        super().__init__("; ".join(f"{p.field}: {p.value} is not allowed: {p.allowed}" for p in problems))
