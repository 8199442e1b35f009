"""The objects of a bucket below a prefix, as a bucket of their own: keys are told and asked for without it."""

from collections.abc import AsyncIterable
from contextlib import AbstractAsyncContextManager
from datetime import timedelta

from adapters.buckets.bucket import Bucket, Download, Page
from adapters.patience import Patience
from reconciliation.errors import ListingError


class Below:
    """See ``Bucket``. ``prefix`` ends in a slash; ``name`` says it, too."""

    def __init__(self, bucket: Bucket, prefix: str, name: str) -> None:
        self._bucket, self._prefix, self.name = bucket, prefix, name

    @property
    def patience(self) -> Patience:
        return self._bucket.patience

    async def page(self, prefix: str, *, by_folder: bool, size: int, token: str | None = None) -> Page:
        page = await self._bucket.page(self._prefix + prefix, by_folder=by_folder, size=size, token=token)
        objects = [one._replace(key=self._within(one.key)) for one in page.objects if one.key != self._prefix]
        return Page(objects, [self._within(one) for one in page.folders], page.token)

    def download(self, key: str, version: str | None = None) -> AbstractAsyncContextManager[Download | None]:
        return self._bucket.download(self._prefix + key, version)

    async def create(self, key: str, pieces: AsyncIterable[bytes], size: int, *, in_parts: bool = False) -> str | None:
        return await self._bucket.create(self._prefix + key, pieces, size, in_parts=in_parts)

    async def remove(self, key: str, version: str) -> bool:
        return await self._bucket.remove(self._prefix + key, version)

    async def clock_ahead(self) -> timedelta:
        return await self._bucket.clock_ahead()

    async def close(self) -> None:
        await self._bucket.close()

    def _within(self, key: str) -> str:
        if not key.startswith(self._prefix):
            raise ListingError(f"Cannot list bucket {self.name}: storage answered with other keys than were asked for.")
        return key.removeprefix(self._prefix)
