"""Look-ups in storage."""

from typing import Any

from adapters.buckets.bucket import Bucket
from adapters.buckets.listing import objects
from adapters.buckets.sqlite_rows import sqlite_rows
from adapters.connections import StorageConnection
from adapters.contents import contents
from adapters.services import Services
from reconciliation.errors import ContainerGoneError
from reconciliation.lookups import BlobCount, BlobsOf, Contents, Lookup, ObjectsUnder, SqliteRows


class Prober:
    """Performs look-ups."""

    def __init__(self, services: Services) -> None:
        self._listers, self._connections = services.listers, services.settings.connections
        self._buckets, self._room = services.buckets, services.room

    async def look(self, lookup: Lookup) -> Any:
        """The result (see the look-up's class); None if its setting is not configured. Raises an ``AuditError``:
        ``ContainerGoneError`` if the container does not exist.
        """
        if isinstance(lookup, ObjectsUnder | SqliteRows):
            bucket = self._buckets.get(lookup.setting)
            return None if bucket is None else await self._in_bucket(bucket, lookup)
        lister = self._listers.get(lookup.setting)
        if lister is None:
            return None
        match lookup:
            case BlobsOf():
                return await lister.blobs(lookup.container, lookup.keep, lookup.prefix)
            case Contents():
                connection = self._connections[lookup.setting]
                assert isinstance(connection, StorageConnection)
                return await contents(connection, lookup.container, lookup.text_of)
            case BlobCount():
                # A single empty listing does not prove that there are none.
                return await self._count(lookup) or await self._count(lookup)

    async def _in_bucket(self, bucket: Bucket, lookup: ObjectsUnder | SqliteRows) -> Any:
        if isinstance(lookup, ObjectsUnder):
            return await objects(bucket, lookup.prefix)
        return await sqlite_rows(bucket, lookup, room=self._room)

    async def _count(self, lookup: BlobCount) -> int:
        try:
            pages = await self._listers[lookup.setting].blobs(lookup.container, ())
            return sum(page.total for page in pages)
        except ContainerGoneError:
            return 0
