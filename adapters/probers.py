"""Look-ups in storage."""

from typing import Any

from adapters.buckets.audio import Memory, audio_of, audio_under
from adapters.buckets.bucket import Bucket
from adapters.buckets.listing import objects
from adapters.buckets.sqlite_rows import sqlite_rows
from adapters.connections import StorageConnection
from adapters.contents import contents
from adapters.services import Services
from reconciliation.errors import ContainerGoneError
from reconciliation.lookups import AudioOf, AudioUnder, BlobCount, BlobsOf, Contents, Lookup, ObjectsUnder, SqliteRows

InBucket = ObjectsUnder | SqliteRows | AudioOf | AudioUnder


class Prober:
    """Performs look-ups."""

    def __init__(self, services: Services) -> None:
        self._listers, self._connections = services.listers, services.settings.connections
        self._buckets, self._room = services.buckets, services.room

    async def look(self, lookup: Lookup, memory: Memory | None = None) -> Any:
        """The result (see the look-up's class); None if its setting is not configured. What ``memory`` knows is not
        read again. Raises an ``AuditError``: ``ContainerGoneError`` if the container does not exist.
        """
        if isinstance(lookup, BlobsOf):  # before all others: there are as many as containers
            lister = self._listers.get(lookup.setting)
            return None if lister is None else await lister.blobs(lookup.container, lookup.keep, lookup.prefix)
        if isinstance(lookup, InBucket):
            bucket = self._buckets.get(lookup.setting)
            return None if bucket is None else await self._in_bucket(bucket, lookup, memory)
        lister = self._listers.get(lookup.setting)
        if lister is None:
            return None
        match lookup:
            case Contents():
                connection = self._connections[lookup.setting]
                assert isinstance(connection, StorageConnection)
                return await contents(connection, lookup.container, lookup.text_of)
            case BlobCount():
                # A single empty listing does not prove that there are none.
                return await self._count(lookup) or await self._count(lookup)

    async def _in_bucket(self, bucket: Bucket, lookup: InBucket, memory: Memory | None) -> Any:
        match lookup:
            case ObjectsUnder():
                return await objects(bucket, lookup.prefix)
            case SqliteRows():
                return await sqlite_rows(bucket, lookup, room=self._room)
            case AudioOf():
                return await audio_of(bucket, lookup)
            case AudioUnder():
                return await audio_under(bucket, lookup, memory)

    async def _count(self, lookup: BlobCount) -> int:
        try:
            pages = await self._listers[lookup.setting].blobs(lookup.container, ())
            return sum(page.total for page in pages)
        except ContainerGoneError:
            return 0
