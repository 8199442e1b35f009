"""The services that activities and triggers use: one set of connections for each process."""

import asyncio
import gc
import os
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from weakref import WeakKeyDictionary

from adapters.api_connection import ApiConnection
from adapters.buckets.bucket import Bucket
from adapters.buckets.connections import BucketConnection
from adapters.buckets.create_only import Proofs
from adapters.buckets.opening import open_bucket
from adapters.buckets.room import Room
from adapters.buckets.sqlite_rows import room_for_one
from adapters.connections import StorageConnection
from adapters.credentials import endpoint_of
from adapters.http_api import HttpApi, Tries, open_api_session
from adapters.listing.account import Account, Limits
from adapters.listing.lister import RestLister
from adapters.patience import Patience
from adapters.postgres import Database
from adapters.settings import Settings, load_settings
from adapters.store.blobs import BlobStore
from adapters.store.records import AuditRecords
from adapters.store.run_store import RunStore
from reconciliation.audited import Audited
from reconciliation.errors import RunStoreError, SettingsError
from reconciliation.notice import Signposts
from reconciliation.parameters import AuditParameters
from reconciliation.profile import Profile
from reconciliation.progress import Reached
from reconciliation.queries import Moments
from reconciliation.run_record import RunRecord
from reconciliation.wording import Wording


def utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True)
class Services:
    """What a step may use. ``listers`` are the storage accounts by setting, ``buckets`` the buckets, ``apis`` the HTTP
    APIs. ``room`` is for what is unpacked, of all steps of this process; ``proofs`` are of buckets that it writes.
    """

    settings: Settings
    records: AuditRecords
    store: RunStore
    listers: Mapping[str, RestLister]
    now: Callable[[], datetime] = utc_now
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    buckets: Mapping[str, Bucket] = field(default_factory=dict)
    apis: Mapping[str, HttpApi] = field(default_factory=dict)
    room: Room = field(default_factory=room_for_one)
    proofs: Proofs = field(default_factory=Proofs)

    def profile_of(self, record: RunRecord) -> Profile:
        """The profile of an audit. Raises ``RunStoreError`` if it is not enabled, or no longer has the audit's mode."""
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

    def noun_of(self, record: RunRecord) -> str:
        """The noun for a unit of an audit; the default if its profile is no longer enabled."""
        profile = self.settings.profiles.get(record.parameters.profile)
        return (profile.wording if profile else Wording()).unit

    async def reached(self, record: RunRecord) -> Reached | None:
        """The progress of an audit, for the record of its end (see ``RunStore.reached``)."""
        return await self.store.reached(record.folder, self.noun_of(record))

    def moments(self, parameters: AuditParameters, earliest: Mapping[str, datetime] | None = None) -> Moments:
        """The moments for queries of an audit that are run now; ``earliest`` as in ``Moments``."""
        now = self.now()
        return Moments(now - parameters.grace, now + self.settings.clock_tolerance, earliest or {})

    def database(self, setting: str) -> Database:
        """The database of a setting. Raises ``SettingsError`` if it is not that of a database."""
        url = self.settings.connections.get(setting)
        if not isinstance(url, str):
            raise SettingsError(f"{setting} is not the setting of a database.")
        return Database(setting, url, self.settings.statement_timeout_seconds)

    def audited(self, profile: Profile) -> Audited:
        places: dict[str, Any] = {}
        for one in profile.connections:
            given = self.settings.connections.get(one.setting)
            if isinstance(given, str):
                host, name = self.database(one.setting).where
                places[one.shown] = {"host": host, "name": name}
            elif isinstance(given, BucketConnection):
                places[one.shown] = given.place
            elif isinstance(given, ApiConnection):
                places[one.shown] = given.shown
            else:
                places[one.shown] = given.account if given else None
        places |= {one.shown: profile.given[one.name] for one in profile.settings if one.shown}
        optional = frozenset(one.shown for one in profile.connections if not one.needed)
        return Audited(places, self.settings.environment, optional)

    def signposts(self) -> Signposts:
        """The environment and the links of a notice; they do not depend on the audit's profile."""
        settings = self.settings
        environment = settings.environment or next(
            (self.audited(profile).environment for profile in settings.profiles.values()), "unnamed"
        )
        return Signposts(environment, settings.app_address, settings.public_url, settings.runbook_url)


def open_services(settings: Settings) -> Services:
    """Makes all clients, without connecting. Needs a running event loop. Raises ``SettingsError``."""
    patience = Patience(request_timeout=settings.request_timeout_seconds)
    blobs = BlobStore(settings.report_storage, settings.report_container)
    return Services(
        settings,
        AuditRecords(blobs, tuple(settings.profiles)),
        RunStore.of(blobs),
        _listers(settings, patience),
        buckets={
            setting: open_bucket(given, patience)
            for setting, given in settings.connections.items()
            if isinstance(given, BucketConnection)
        },
        apis=_open_apis(settings),
    )


def _listers(settings: Settings, patience: Patience) -> dict[str, RestLister]:
    """One for each setting; those that name the same account share its gate and its connections."""
    given = {name: one for name, one in settings.connections.items() if isinstance(one, StorageConnection)}
    limits = Limits(settings.max_requests_per_second, settings.max_connections).shared_by(settings.worker_processes)
    accounts = {url: Account(url, limits=limits, patience=patience) for url in {one.url for one in given.values()}}
    size = settings.list_page_size
    return {
        name: RestLister(endpoint_of(one), accounts[one.url], page_size=size, patience=patience)
        for name, one in given.items()
    }


def _open_apis(settings: Settings) -> dict[str, HttpApi]:
    """The APIs by setting. They share a session, which there is only if there is an API."""
    given = {name: one for name, one in settings.connections.items() if isinstance(one, ApiConnection)}
    if not given:
        return {}
    session, tries = open_api_session(), Tries(each_seconds=settings.request_timeout_seconds)
    return {name: HttpApi(one, session, tries=tries) for name, one in given.items()}


_ALLOCATIONS = 20_000


# Connections belong to the event loop that made them. A Functions worker has one loop for its whole life.
_by_loop: WeakKeyDictionary[asyncio.AbstractEventLoop, Services] = WeakKeyDictionary()


def services() -> Services:
    """The services of this process, made on first use. Raises ``SettingsError`` with all problems."""
    loop = asyncio.get_running_loop()
    if loop not in _by_loop:
        _by_loop[loop] = open_services(load_settings(os.environ))
        # What is loaded by now stays; scanning it in every garbage collection takes a fifth of a large step. What is
        # read makes no cycles; looking for some after every 700 objects of it takes a seventh.
        gc.freeze()
        gc.set_threshold(_ALLOCATIONS)
    return _by_loop[loop]
