"""A profile that shares nothing with PRE's but the app: its connections are its own."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from profiles.pre_capture_sessions import PROFILE
from reconciliation.looks import Audit, Group
from reconciliation.profile import Connection, Grouped, Join, Source, Technology, bucket
from reconciliation.queries import Prefixes, SqlRows

LEDGER, VAULT, SOURCE = "LEDGER_DATABASE", "VAULT_STORAGE", "SOURCE_STORAGE"


class Other(Grouped):
    """Entries of a ledger; what it may look up in a vault it need not be given."""

    name = "other"
    title = "Other"
    description = "Entries of a ledger."
    wording = PROFILE.wording
    showing = PROFILE.showing
    modes = ("quick", "deep")
    default_grace_minutes = 5
    connections: tuple[Connection, ...] = (
        Connection(LEDGER, Technology.DATABASE, "ledger"),
        Connection(VAULT, Technology.STORAGE, "vault", needed=False),
    )
    sources = (Source("entries", LEDGER, lambda _asked, _moments: SqlRows("select '[]'")),)
    joins = (Join("entries", (("entries", str),)),)
    kinds = ()

    def facts(self, join: str, group: Group, before: Group | None, audit: Audit) -> Iterable[tuple[str, str, Any]]:
        return ()


class Needing(Other):
    """As the other one, but nothing goes without the vault."""

    name = "needing"
    connections = (Connection(LEDGER, Technology.DATABASE, "ledger"), Connection(VAULT, Technology.STORAGE, "vault"))


class Late(Other):
    """As the other one, but its entries are only read when all is over."""

    sources = (replace(Other.sources[0], after_scan=True),)


OTHER, NEEDING, LATE = Other(), Needing(), Late()


class Buckets(Other):
    """Folders of a bucket."""

    name = "buckets"
    connections: tuple[Connection, ...] = (bucket("STUCK_UPLOADS_BUCKET", needed=False),)
    sources = (Source("entries", "STUCK_UPLOADS_BUCKET", lambda _asked, _moments: Prefixes()),)


class NeedingBuckets(Buckets):
    """The same, where nothing goes without it."""

    name = "needing-buckets"
    connections = (bucket("STUCK_UPLOADS_BUCKET"),)


BUCKETS, NEEDING_BUCKETS = Buckets(), NeedingBuckets()
