"""Reports, in their three forms."""

from collections.abc import AsyncIterator, Mapping

from adapters.store.folder import Folder

REPORT_FILES: Mapping[str, str] = {"json": "report.json", "csv": "findings.csv", "html": "report.html"}


class Reports:
    """Reports, each marked with the attempt that it is of."""

    def __init__(self, folder: Folder) -> None:
        self._folder = folder

    async def write(self, audit: str, form: str, chunks: AsyncIterator[bytes], attempt: str = "0.0") -> None:
        """Write the report in one of the forms of ``REPORT_FILES``, marked with the attempt it is of."""
        await self._folder.blobs.write_stream(f"{audit}/{REPORT_FILES[form]}", chunks, {"attempt": attempt})

    async def report(self, audit: str, form: str) -> bytes | None:
        """The report in one of the forms of ``REPORT_FILES``, or None if it is not written."""
        stored = await self._folder.blobs.read(f"{audit}/{REPORT_FILES[form]}")
        return None if stored is None else stored.data

    async def lines(self, audit: str) -> AsyncIterator[list[str]]:
        """The lines of report.json, in portions, without their line breaks."""
        rest = b""
        async for chunk in self._folder.blobs.read_stream(f"{audit}/{REPORT_FILES['json']}"):
            *lines, rest = (rest + chunk).split(b"\n")
            yield [line.decode() for line in lines]
