"""The request parameters of PRE's audit, and what they exclude."""

from reconciliation.options import Option
from reconciliation.parameters import AuditParameters

FULL = "full"  # every container
FAST = "fast"  # only containers that can be a recording and have no row: where unregistered ones must be
MODES = (FULL, FAST)

NO_STATUS = "NULL"
"""How a request names the rows whose status column is empty (rows older than the column have none)."""
STATUSES = (
    "STANDBY",
    "INITIALISING",
    "RECORDING",
    "RECORDING_AVAILABLE",
    "PROCESSING",
    "FAILURE",
    "NO_RECORDING",
    NO_STATUS,
)
DEFAULT_STATUSES = ("PROCESSING", "NO_RECORDING", "FAILURE", NO_STATUS)

OPTIONS = (
    Option(
        "statuses",
        DEFAULT_STATUSES,
        "Only sessions of these statuses.",
        "a list of 1 to 20 statuses of the profile (see GET /profiles)",
        choices=STATUSES,
        least=1,
        most=20,
    ),
    Option(
        "container_prefixes",
        (),
        "Only containers whose name begins with one of these.",
        "a list of at most 256 beginnings of container names (lower-case letters, digits, hyphens)",
        form=r"[$a-z0-9-]{1,63}",
        most=256,
    ),
    Option(
        "ingest_address_contains",
        None,
        "Only sessions whose ingest address contains this text.",
        "a text of 1 to 255 characters",
        least=1,
    ),
)


def statuses(asked: AuditParameters) -> tuple[str, ...]:
    """The statuses in question; ``NO_STATUS`` may be among them."""
    return tuple(asked.options["statuses"])


def ingest_address(asked: AuditParameters) -> str | None:
    """The text that the ingest addresses of the sessions in question contain; None for any address."""
    text: str | None = asked.options["ingest_address_contains"]
    return text


def covers(asked: AuditParameters, container: str) -> bool:
    """True if the request's prefixes include this container."""
    prefixes = tuple(asked.options["container_prefixes"])
    return not prefixes or container.startswith(prefixes)


def asks_for_all(asked: AuditParameters) -> bool:
    """True unless the request narrows the question to some sessions."""
    narrowed = (asked.since, asked.until, ingest_address(asked))
    usual = statuses(asked) == DEFAULT_STATUSES or set(statuses(asked)) == set(DEFAULT_STATUSES)
    return usual and not any(narrowed) and not asked.only
