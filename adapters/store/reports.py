"""Reports in three formats."""

from collections.abc import AsyncIterator, Mapping

from adapters.store.folder import Folder

REPORT_FILES: Mapping[str, str] = {"json": "report.json", "csv": "findings.csv", "html": "report.html"}


class Reports:
    """Reports, each with its attempt in the metadata."""

    def __init__(self, folder: Folder) -> None:
        self._folder = folder

    async def write(self, audit: str, form: str, chunks: AsyncIterator[bytes], attempt: str = "0.0") -> None:
        """Write or replace the report in one of the formats of ``REPORT_FILES``."""
        await self._folder.blobs.write_stream(f"{audit}/{REPORT_FILES[form]}", chunks, {"attempt": attempt})

    async def create(self, audit: str, chunks: AsyncIterator[bytes], attempt: str) -> bool:
        """Write report.json unless there is one; False if there is. Atomic."""
        path = f"{audit}/{REPORT_FILES['json']}"
        return await self._folder.blobs.create_stream(path, chunks, {"attempt": attempt})

    async def is_of(self, audit: str, attempt: str) -> bool:
        """True if there is a report.json of this attempt (see ``RunRecord.attempt``)."""
        metadata = await self._folder.blobs.metadata(f"{audit}/{REPORT_FILES['json']}")
        return metadata is not None and metadata.get("attempt") == attempt

    async def report(self, audit: str, form: str) -> bytes | None:
        """The report in one of the formats of ``REPORT_FILES``; None if there is none."""
        self._folder.blobs.recent.drop_audit(audit)  # it may have been made again elsewhere
        stored = await self._folder.blobs.read(f"{audit}/{REPORT_FILES[form]}")
        return None if stored is None else stored.data

    async def lines(self, audit: str) -> AsyncIterator[list[str]]:
        """The lines of report.json, in portions, without their line breaks."""
        rest = b""
        async for chunk in self._folder.blobs.read_stream(f"{audit}/{REPORT_FILES['json']}"):
            *lines, rest = (rest + chunk).split(b"\n")
            yield [line.decode() for line in lines]
