"""Opening the buckets of the settings, without connecting."""

from collections.abc import AsyncIterable
from contextlib import AbstractAsyncContextManager
from datetime import timedelta
from typing import NoReturn

from adapters.buckets.azure import AzureBucket
from adapters.buckets.below import Below
from adapters.buckets.bucket import Bucket, Download, Page
from adapters.buckets.connections import BucketConnection, ContainerConnection, FolderConnection, S3Connection
from adapters.buckets.folder import FolderBucket
from adapters.patience import Patience
from reconciliation.errors import SettingsError


def open_bucket(connection: BucketConnection, patience: Patience) -> Bucket:
    """The bucket of a setting. One of S3 whose packages are not installed says so when it is asked."""
    if isinstance(connection, FolderConnection):
        return FolderBucket(connection, patience)
    bucket = _of_storage(connection, patience)
    return Below(bucket, connection.prefix, bucket.name) if connection.prefix else bucket


def _of_storage(connection: S3Connection | ContainerConnection, patience: Patience) -> Bucket:
    if isinstance(connection, ContainerConnection):
        return AzureBucket(connection, patience)
    try:
        # Most apps audit no bucket of S3, and then need not have its packages.
        from adapters.buckets.s3 import S3Bucket  # noqa: PLC0415
    except ImportError:
        return NotInstalled(f"{connection.place} ({connection.setting})", patience)
    return S3Bucket(connection, patience)


class NotInstalled:
    """A bucket of S3 in an app that has not the packages for it."""

    def __init__(self, name: str, patience: Patience) -> None:
        self.name, self.patience = name, patience

    async def page(self, prefix: str, *, by_folder: bool, size: int, token: str | None = None) -> Page:  # noqa: ARG002
        self._refuse()

    def download(self, key: str, version: str | None = None) -> AbstractAsyncContextManager[Download | None]:  # noqa: ARG002
        self._refuse()

    async def create(self, key: str, pieces: AsyncIterable[bytes], size: int, *, in_parts: bool = False) -> str | None:  # noqa: ARG002
        self._refuse()

    async def remove(self, key: str, version: str) -> bool:  # noqa: ARG002
        self._refuse()

    async def clock_ahead(self) -> timedelta:
        self._refuse()

    async def close(self) -> None:
        pass

    def _refuse(self) -> NoReturn:
        raise SettingsError(
            f"Cannot reach bucket {self.name}: the packages for S3 are not installed. Append requirements-aws.txt to "
            "requirements.txt, and deploy again."
        )
