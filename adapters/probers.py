"""Answering look-ups."""

from typing import Any

from adapters.services import Services
from reconciliation.errors import ContainerGoneError
from reconciliation.lookups import BlobCount, BlobsOf, Lookup


class Prober:
    """Answers look-ups. Of a setting that is not given nothing is known: None."""

    def __init__(self, services: Services) -> None:
        self._listers = services.listers

    async def look(self, lookup: Lookup) -> Any:
        """The answer (see the look-up's class). Raises an ``AuditError``: ``ContainerGoneError`` where there is no such
        thing.
        """
        lister = self._listers.get(lookup.setting)
        if lister is None:
            return None
        match lookup:
            case BlobsOf():
                return await lister.blobs(lookup.container, lookup.keep, lookup.prefix)
            case BlobCount():
                # One answer proves no absence.
                return await self._count(lookup) or await self._count(lookup)

    async def _count(self, lookup: BlobCount) -> int:
        try:
            pages = await self._listers[lookup.setting].blobs(lookup.container, ())
            return sum(page.total for page in pages)
        except ContainerGoneError:
            return 0
