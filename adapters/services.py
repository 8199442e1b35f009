"""The outside world as the activities and triggers get it: one set of connections for each process."""

import asyncio
import os
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from weakref import WeakKeyDictionary

from adapters.audit_records import AuditRecords
from adapters.blob_store import BlobStore
from adapters.connections import StorageConnection
from adapters.credentials import endpoint_of
from adapters.listing.lister import Patience, RestLister, open_session
from adapters.postgres import Database
from adapters.run_store import RunStore
from adapters.settings import Settings, load_settings
from reconciliation.audited import Audited
from reconciliation.errors import RunStoreError
from reconciliation.notice import Signposts
from reconciliation.parameters import AuditParameters
from reconciliation.profile import Moments, Profile
from reconciliation.run_record import RunRecord


def utc_now() -> datetime:
    """The clock of the app."""
    return datetime.now(UTC)


@dataclass(frozen=True)
class Services:
    """What a step may use. Tests build one of their own."""

    settings: Settings
    records: AuditRecords
    store: RunStore
    lister: RestLister
    ingest: RestLister | None = None
    now: Callable[[], datetime] = utc_now
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep

    def profile_of(self, record: RunRecord) -> Profile:
        """The profile of an audit. Raises ``RunStoreError`` if it is not enabled (any more), or has not its mode."""
        name, mode = record.parameters.profile, record.parameters.mode
        profile = self.settings.profiles.get(name)
        if profile is None:
            raise RunStoreError(
                f"Audit {record.audit_id} is of the profile {name}, which is not enabled. Name it in AUDIT_PROFILES."
            )
        if mode not in profile.modes:
            raise RunStoreError(
                f"Audit {record.audit_id} is in {mode} mode, which this release of the profile {name} has not. Start a "
                "new audit."
            )
        return profile

    def moments(self, parameters: AuditParameters) -> Moments:
        """What counts as just now for an audit that reads rows at this moment."""
        now = self.now()
        return Moments(now - parameters.grace, now + self.settings.clock_tolerance)

    def database(self, profile: Profile) -> Database:
        """The database of a profile."""
        urls = {"PRE_DATABASE": self.settings.pre_database}
        return Database(profile.database, urls[profile.database], self.settings.statement_timeout_seconds)

    def audited(self, profile: Profile) -> Audited:
        """What an audit of a profile is of."""
        ingest, (host, name) = self.settings.ingest_storage, self.database(profile).where
        return Audited(
            self.settings.source_storage.account,
            ingest.account if ingest else None,
            host,
            name,
            self.settings.environment,
        )

    def signposts(self) -> Signposts:
        """What a notice of an audit's end may lead to, whether its profile is still enabled or not."""
        settings = self.settings
        environment = Audited(settings.source_storage.account, named=settings.environment).environment
        return Signposts(environment, settings.app_address, settings.public_url, settings.runbook_url)


def open_services(settings: Settings) -> Services:
    """Connect nothing yet, but be ready to. Needs a running event loop. Raises ``SettingsError``."""
    session, patience = open_session(), Patience(request_timeout=settings.request_timeout_seconds)

    def lister(connection: StorageConnection) -> RestLister:
        return RestLister(endpoint_of(connection), session, page_size=settings.list_page_size, patience=patience)

    blobs = BlobStore(settings.report_storage, settings.report_container)
    return Services(
        settings,
        AuditRecords(blobs),
        RunStore(blobs),
        lister(settings.source_storage),
        lister(settings.ingest_storage) if settings.ingest_storage else None,
    )


# Connections belong to the event loop that made them. A Functions worker has one loop for its whole life.
_by_loop: WeakKeyDictionary[asyncio.AbstractEventLoop, Services] = WeakKeyDictionary()


def services() -> Services:
    """The services of this process, made on first use. Raises ``SettingsError`` with all that is wrong."""
    loop = asyncio.get_running_loop()
    if loop not in _by_loop:
        _by_loop[loop] = open_services(load_settings(os.environ))
    return _by_loop[loop]
