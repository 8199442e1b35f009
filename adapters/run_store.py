"""The run store: one folder of blobs for each audit, and the truth about it.

    active/<profile>.json               which audit of a profile may run (see ``audit_records``)
    <audit id>/run.json                 the record of the audit (see ``audit_records``)
    <audit id>/containers.jsonl.gz      all container names
    <audit id>/listing.json             when they were listed, and how many they were
    <audit id>/relisted.jsonl.gz        the container names of a later listing, to hold the first one to
    <audit id>/registered.jsonl.gz      the recordings that have a row
    <audit id>/candidates.jsonl.gz      the rows in question
    <audit id>/work.jsonl.gz            the container names to open, one gzip member for each shard
    <audit id>/plan.json                the frozen plan
    <audit id>/shards/0007.jsonl.gz     what shard 7 saw; its metadata holds the counts
    <audit id>/shards/0007.progress     how far shard 7 has come
    <audit id>/dead-letters/0007.json   why shard 7 could not be read to its end
    <audit id>/report.json, findings.csv, report.html

Every name is determined by the audit and the step, so a step done twice overwrites its own work and nothing else. Of
two files that belong together the second is written last and says that both are complete.
"""

import re
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import islice
from operator import eq, lt
from typing import Any, Generic, TypeVar

from adapters.blob_store import BlobStore, Listed
from adapters.documents import document, read_document, understood
from adapters.jsonl import Unpacker, loads, pack, pack_lines, unpack
from reconciliation.coverage import COUNTS, counts_of
from reconciliation.dead_letters import DeadLetter
from reconciliation.errors import ListingError, RunStoreError
from reconciliation.evidence import EvidenceT, Record, Unread, record_from_json
from reconciliation.plan import Listing, Plan, PlannedShard
from reconciliation.progress import ShardProgress
from reconciliation.shards import shard_of

REPORT_FILES: Mapping[str, str] = {"json": "report.json", "csv": "findings.csv", "html": "report.html"}
_UNSCANNED = "its shard could not be scanned"
# Packed; unpacked they are some ten times as many, and parsed about a hundred times.
_PORTION_BYTES = 32 * 1024
_SHARD = re.compile(r"shards/([0-9]{4})\.(jsonl\.gz|progress)")
_DEAD_LETTER = re.compile(r"dead-letters/([0-9]{4})\.json")
_COUNT = re.compile(r"[0-9]{1,18}")
ValueT = TypeVar("ValueT")


@dataclass(frozen=True)
class Artefacts:
    """Which steps of an audit have left their result, how far each shard has come, and how many have dead letters."""

    names: frozenset[str]
    shards: Mapping[int, ShardProgress]
    last_modified: datetime | None
    scan_started_at: datetime | None
    dead_letters: int = 0


@dataclass(frozen=True)
class ShardResult(Generic[EvidenceT]):
    """What a shard saw, and the ETag it was read at."""

    records: list[EvidenceT | Unread]
    etag: str


class RunStore:
    """Typed access to the folders of all audits. Errors are those of ``BlobStore``, plus ``RunStoreError``; of a blob
    that is damaged, or of a later release, ``UnreadableError``.
    """

    def __init__(self, blobs: BlobStore) -> None:
        self._blobs = blobs
        # A plan never changes once it is written, and every shard of an audit asks for it.
        self._plans: dict[str, Plan] = {}

    # --- what is there ------------------------------------------------------------------------------------------

    async def write_containers(
        self, audit_id: str, as_of: datetime, pages: AsyncIterator[list[str]], storage_ahead_seconds: int = 0
    ) -> Listing:
        """Write the container names, ascending, page by page as they come; and then how many they were.

        Raises ``ListingError`` if a name was listed twice; nothing is kept then that says that all were listed.
        """
        listed = await self._write_names(f"{audit_id}/containers.jsonl.gz", pages)
        listing = Listing(as_of, listed, storage_ahead_seconds)
        await self._blobs.write(f"{audit_id}/listing.json", document(listing.to_json()))
        return listing

    async def write_relisted(self, audit_id: str, pages: AsyncIterator[list[str]]) -> None:
        """Write the container names of a later listing, as ``write_containers`` does, in place of what was there."""
        await self._write_names(f"{audit_id}/relisted.jsonl.gz", pages)

    async def _write_names(self, path: str, pages: AsyncIterator[list[str]]) -> int:
        listed, before, ascending = 0, "", True

        async def members() -> AsyncIterator[bytes]:
            nonlocal listed, before, ascending
            async for names in pages:
                listed += len(names)
                ascending = ascending and all(map(lt, [before, *names], names))
                before = names[-1] if names else before
                yield pack(names)

        await self._blobs.write_stream(path, members())
        if not ascending:
            await self._sort_names(path)
        return listed

    async def _sort_names(self, path: str) -> None:
        # Storage lists in the order of the names, and says so; an emulator or a gateway may see that otherwise.
        names = [name async for portion in self._values(path, _names) for name in portion]
        names.sort()
        if any(map(eq, names, islice(names, 1, None))):
            raise ListingError(f"Storage listed {len(names)} containers, some of them twice. Audit again.")
        await self._blobs.write(path, pack(names))

    async def listing(self, audit_id: str) -> Listing | None:
        """What ``write_containers`` said, or None before it was done."""
        return await self._document(f"{audit_id}/listing.json", Listing.from_json)

    async def forget_listing(self, audit_id: str) -> None:
        """Take back that containers were listed and rows pulled: both are read anew when the audit is begun again, in
        that order, and what they left is written over.
        """
        for name in ("candidates.jsonl.gz", "listing.json"):
            await self._blobs.delete(f"{audit_id}/{name}")

    def container_names(self, audit_id: str) -> AsyncIterator[list[str]]:
        """All container names, ascending, in portions."""
        return self._values(f"{audit_id}/containers.jsonl.gz", _names)

    def relisted_names(self, audit_id: str) -> AsyncIterator[list[str]]:
        """All names of ``write_relisted``, ascending, in portions."""
        return self._values(f"{audit_id}/relisted.jsonl.gz", _names)

    async def write_rows(self, audit_id: str, sources: Mapping[str, AsyncIterator[list[str]]]) -> None:
        """Write what each source said, as JSON texts, one source after the other; the last one proves all."""
        for name, portions in sources.items():
            members = (pack_lines(lines) async for lines in portions)
            await self._blobs.write_stream(f"{audit_id}/{name}.jsonl.gz", members)

    async def has_rows(self, audit_id: str) -> bool:
        """True if ``write_rows`` was done."""
        return await self._blobs.exists(f"{audit_id}/candidates.jsonl.gz")

    def rows(self, audit_id: str, source: str, read: Callable[[list[Any]], ValueT]) -> AsyncIterator[list[ValueT]]:
        """The rows of a source as pulled, in portions."""
        return self._values(f"{audit_id}/{source}.jsonl.gz", lambda rows: [*map(read, rows)])

    async def keys(self, audit_id: str, source: str) -> AsyncIterator[list[str]]:
        """The first text of each row alone, cut out because parsing the rest takes ten times as long."""
        path = f"{audit_id}/{source}.jsonl.gz"
        async for lines in self._lines(path):
            with self._understood(path):
                ids = [first.decode() for _, first, _ in (line.split(b'"', 2) for line in lines)]
            yield ids

    async def _values(self, path: str, read: Callable[[list[Any]], list[ValueT]]) -> AsyncIterator[list[ValueT]]:
        async for lines in self._lines(path):
            with self._understood(path):
                values = read(loads(lines))
            yield values

    async def _lines(self, path: str) -> AsyncIterator[list[bytes]]:
        unpacker = Unpacker()
        async for chunk in self._blobs.read_stream(path):
            for at in range(0, len(chunk), _PORTION_BYTES):
                with self._understood(path):
                    lines = unpacker.lines(chunk[at : at + _PORTION_BYTES])
                if lines:
                    yield lines
        with self._understood(path):
            unpacker.finish()

    def _understood(self, path: str) -> AbstractContextManager[None]:
        return understood(path, self._blobs.where)

    async def _document(self, path: str, read: Callable[[Any], ValueT]) -> ValueT | None:
        stored = await self._blobs.read(path)
        return None if stored is None else read_document(path, self._blobs.where, stored.data, read)

    # --- the plan -----------------------------------------------------------------------------------------------

    async def write_plan(self, audit_id: str, plan: Plan, shards: AsyncIterator[list[str]]) -> Plan:
        """Write the names to open, shard by shard, and then the plan that points into them; returns the plan with its
        pointers. Raises ``ListingError`` if the names are not strictly ascending.
        """
        planned: list[PlannedShard] = []

        async def members() -> AsyncIterator[bytes]:
            offset, before = 0, ""
            async for names in shards:
                try:
                    shard = shard_of(len(planned), before, names)
                except ValueError as error:
                    raise ListingError(f"{audit_id}/containers.jsonl.gz: {error}.") from error
                before = names[-1] if names else before
                member = pack(names)
                planned.append(PlannedShard(shard, offset, len(member)))
                offset += len(member)
                yield member

        await self._blobs.write_stream(f"{audit_id}/work.jsonl.gz", members())
        plan = replace(plan, shards=tuple(planned))
        await self._blobs.write(f"{audit_id}/plan.json", document(plan.to_json()))
        return plan

    async def plan(self, audit_id: str) -> Plan | None:
        """The plan, or None before it is made."""
        return await self._document(f"{audit_id}/plan.json", Plan.from_json)

    async def planned(self, audit_id: str) -> Plan:
        """The plan of an audit that must have one. Raises ``RunStoreError`` if it has none."""
        if audit_id not in self._plans:
            plan = await self.plan(audit_id)
            if plan is None:
                raise RunStoreError(f"Audit {audit_id} has no plan in {self._blobs.where}. Start a new audit.")
            self._plans = {audit_id: plan}
        return self._plans[audit_id]

    async def shard_names(self, audit_id: str, planned: PlannedShard) -> list[str]:
        """The container names of one shard, ascending; reads no more than those."""
        stored = await self._blobs.read(f"{audit_id}/work.jsonl.gz", offset=planned.offset, length=planned.length)
        with self._understood(f"{audit_id}/work.jsonl.gz"):
            names = [] if stored is None else _names(unpack(stored.data))
        if len(names) != planned.shard.containers:
            raise RunStoreError(
                f"Shard {planned.shard.index} of audit {audit_id} has {len(names)} names of "
                f"{planned.shard.containers} in {self._blobs.where}. Start a new audit."
            )
        return names

    # --- shards ---------------------------------------------------------------------------------------------------

    async def write_shard(self, audit_id: str, shard: int, attempt: int, records: Sequence[Record]) -> dict[str, int]:
        """Write what a shard saw, with its counts as metadata; returns the counts."""
        counts, metadata, data = _packed(attempt, records)
        await self._blobs.write(_shard(audit_id, shard), data, metadata)
        return counts

    async def mend_shard(
        self, audit_id: str, shard: int, attempt: int, records: Sequence[Record], seen: ShardResult[Any] | None
    ) -> dict[str, int] | None:
        """As ``write_shard``, but only in place of the result that was ``seen``; None if there is another by now:
        an activity of an earlier attempt may still be at work. Atomic.
        """
        counts, metadata, data = _packed(attempt, records)
        path = _shard(audit_id, shard)
        if seen is None:
            return counts if await self._blobs.create(path, data, metadata) else None
        return counts if await self._blobs.replace(path, data, seen.etag, metadata) else None

    async def shard_result(
        self, audit_id: str, shard: int, unpack_one: Callable[[list[Any]], EvidenceT]
    ) -> ShardResult[EvidenceT] | None:
        """What a shard saw, or None if it was never scanned to its end."""
        path = _shard(audit_id, shard)
        stored = await self._blobs.read(path)
        if stored is None:
            return None
        with self._understood(path):
            return ShardResult([record_from_json(value, unpack_one) for value in unpack(stored.data)], stored.etag)

    async def shard(
        self, audit_id: str, shard: int, unpack_one: Callable[[list[Any]], EvidenceT]
    ) -> list[EvidenceT | Unread] | None:
        """The records of ``shard_result``."""
        result = await self.shard_result(audit_id, shard, unpack_one)
        return None if result is None else result.records

    async def write_progress(self, audit_id: str, shard: int, records: Sequence[Record]) -> None:
        """Say how far a shard has come."""
        metadata = {name: str(count) for name, count in counts_of(records).items()}
        await self._blobs.write(f"{audit_id}/shards/{shard:04}.progress", b"", metadata)

    async def shard_records(
        self, audit_id: str, planned: PlannedShard, unpack_one: Callable[[list[Any]], EvidenceT]
    ) -> list[EvidenceT | Unread]:
        """What a shard saw; without a result its containers come back as failed, never as nothing."""
        records = await self.shard(audit_id, planned.shard.index, unpack_one)
        if records is None:
            return [Unread(name, _UNSCANNED, failed=True) for name in await self.shard_names(audit_id, planned)]
        return records

    async def artefacts(self, audit_id: str) -> Artefacts:
        """Everything that an audit has written so far, from one listing."""
        names: set[str] = set()
        shards: dict[int, ShardProgress] = {}
        moments: list[datetime] = []
        scan_started_at: datetime | None = None
        async for blob in self._blobs.listing(f"{audit_id}/"):
            name = blob.path.removeprefix(f"{audit_id}/")
            moments.append(blob.last_modified)
            names.add(name)
            if name == "candidates.jsonl.gz":
                scan_started_at = blob.last_modified
            if shard := _SHARD.fullmatch(name):
                # "0007.jsonl.gz" is listed before "0007.progress", and is the one to believe.
                with self._understood(blob.path):
                    progress = _progress(blob, done=shard[2] == "jsonl.gz")
                shards.setdefault(int(shard[1]), progress)
        letters = sum(_DEAD_LETTER.fullmatch(name) is not None for name in names)
        return Artefacts(frozenset(names), shards, max(moments, default=None), scan_started_at, letters)

    # --- dead letters -----------------------------------------------------------------------------------------------

    async def write_dead_letter(self, audit_id: str, letter: DeadLetter) -> None:
        """Keep a dead letter in place of the one its shard had."""
        await self._blobs.write(_dead_letter(audit_id, letter.shard), document(letter.to_json()))

    async def delete_dead_letter(self, audit_id: str, shard: int) -> None:
        """Take a dead letter back, if there is one."""
        await self._blobs.delete(_dead_letter(audit_id, shard))

    async def dead_letter(self, audit_id: str, shard: int) -> DeadLetter | None:
        """The dead letter of a shard, or None."""

        def read(value: Any) -> DeadLetter:
            letter = DeadLetter.from_json(value)
            if letter.shard != shard:
                raise ValueError("it is the dead letter of another shard")
            return letter

        return await self._document(_dead_letter(audit_id, shard), read)

    async def dead_letters(self, audit_id: str) -> list[DeadLetter]:
        """All dead letters of an audit, by shard."""
        names = [
            blob.path.removeprefix(f"{audit_id}/") async for blob in self._blobs.listing(f"{audit_id}/dead-letters/")
        ]
        shards = sorted(int(found[1]) for found in map(_DEAD_LETTER.fullmatch, names) if found)
        letters = [await self.dead_letter(audit_id, shard) for shard in shards]
        return [letter for letter in letters if letter is not None]

    async def last_modified(self, audit_id: str) -> datetime | None:
        """When anything in an audit's folder was last written, whatever it is; None if there is nothing."""
        return max([blob.last_modified async for blob in self._blobs.listing(f"{audit_id}/")], default=None)

    async def delete_audit(self, audit_id: str) -> None:
        """Delete an audit's whole folder, its record last: what is cut short is done again."""
        paths = [blob.path async for blob in self._blobs.listing(f"{audit_id}/")]
        for path in sorted(paths, key=lambda path: path.endswith("/run.json")):
            await self._blobs.delete(path)

    # --- the report -----------------------------------------------------------------------------------------------

    async def write_report(self, audit_id: str, form: str, chunks: AsyncIterator[bytes], attempt: str = "0.0") -> None:
        """Write the report in one of the forms of ``REPORT_FILES``, marked with the attempt it is of."""
        await self._blobs.write_stream(f"{audit_id}/{REPORT_FILES[form]}", chunks, {"attempt": attempt})

    async def has_report_of(self, audit_id: str, attempt: str) -> bool:
        """True if report.json is there and is of the given attempt (see ``RunRecord.attempt``)."""
        metadata = await self._blobs.metadata(f"{audit_id}/{REPORT_FILES['json']}")
        return metadata is not None and metadata.get("attempt", "0.0") == attempt

    async def has_report(self, audit_id: str, form: str) -> bool:
        """True if the report is there in that form."""
        return await self._blobs.exists(f"{audit_id}/{REPORT_FILES[form]}")

    async def report(self, audit_id: str, form: str) -> bytes | None:
        """The report in one of the forms of ``REPORT_FILES``, or None if it is not written."""
        stored = await self._blobs.read(f"{audit_id}/{REPORT_FILES[form]}")
        return None if stored is None else stored.data

    async def report_lines(self, audit_id: str) -> AsyncIterator[list[str]]:
        """The lines of report.json, in portions, without their line breaks."""
        rest = b""
        async for chunk in self._blobs.read_stream(f"{audit_id}/{REPORT_FILES['json']}"):
            *lines, rest = (rest + chunk).split(b"\n")
            yield [line.decode() for line in lines]


def _names(values: list[Any]) -> list[str]:
    """Raises ``ValueError`` if one is no text."""
    if not all(isinstance(value, str) for value in values):
        raise ValueError("it holds something else than names")
    return values


def _shard(audit_id: str, shard: int) -> str:
    return f"{audit_id}/shards/{shard:04}.jsonl.gz"


def _packed(attempt: int, records: Sequence[Record]) -> tuple[dict[str, int], dict[str, str], bytes]:
    """A shard's counts, its metadata and its bytes."""
    counts = counts_of(records)
    metadata = {name: str(count) for name, count in counts.items()} | {"attempt": str(attempt)}
    return counts, metadata, pack(record.to_json() for record in records)


def _dead_letter(audit_id: str, shard: int) -> str:
    return f"{audit_id}/dead-letters/{shard:04}.json"


def _progress(blob: Listed, *, done: bool) -> ShardProgress:
    """Raises ``ValueError`` if the metadata do not hold counts."""
    texts = {name: blob.metadata.get(name, "0") or "" for name in COUNTS}
    for name, text in texts.items():
        if not _COUNT.fullmatch(text):
            raise ValueError(f"its metadata's {name} is not a whole number")
    counts = {name: int(text) for name, text in texts.items()}
    return ShardProgress(done=done, updated_at=blob.last_modified, **counts)
