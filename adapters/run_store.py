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

import json
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import islice
from operator import eq, lt
from typing import Any

from adapters.blob_store import BlobStore
from adapters.jsonl import Unpacker, loads, pack, pack_lines, unpack
from reconciliation.candidates import Candidate, RegisteredRecording
from reconciliation.coverage import COUNTS, counts_of
from reconciliation.dead_letters import DeadLetter
from reconciliation.errors import RunStoreError
from reconciliation.evidence import Record, Unread, record_from_json
from reconciliation.plan import Listing, Plan, PlannedShard
from reconciliation.progress import ShardProgress
from reconciliation.shards import shard_of

REPORT_FILES: Mapping[str, str] = {"json": "report.json", "csv": "findings.csv", "html": "report.html"}
_UNSCANNED = "its shard could not be scanned"
# Packed; unpacked they are some ten times as many, and parsed about a hundred times.
_PORTION_BYTES = 32 * 1024


@dataclass(frozen=True)
class Artefacts:
    """Which steps of an audit have left their result, how far each shard has come, and how many have dead letters."""

    names: frozenset[str]
    shards: Mapping[int, ShardProgress]
    last_modified: datetime | None
    scan_started_at: datetime | None
    dead_letters: int = 0


@dataclass(frozen=True)
class ShardResult:
    """What a shard saw, and the ETag it was read at."""

    records: list[Record]
    etag: str


class RunStore:
    """Typed access to the folders of all audits. Errors are those of ``BlobStore``, plus ``RunStoreError``."""

    def __init__(self, blobs: BlobStore) -> None:
        self._blobs = blobs
        # A plan never changes once it is written, and every shard of an audit asks for it.
        self._plans: dict[str, Plan] = {}

    # --- what is there ------------------------------------------------------------------------------------------

    async def write_containers(
        self, audit_id: str, as_of: datetime, pages: AsyncIterator[list[str]], storage_ahead_seconds: int = 0
    ) -> Listing:
        """Write the container names, ascending, page by page as they come; and then how many they were.

        Raises ``RunStoreError`` if a name was listed twice.
        """
        listed = await self._write_names(f"{audit_id}/containers.jsonl.gz", pages)
        listing = Listing(as_of, listed, storage_ahead_seconds)
        await self._blobs.write(f"{audit_id}/listing.json", _json(listing.to_json()))
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
        names = [name async for portion in self._values(path) for name in portion]
        names.sort()
        if any(map(eq, names, islice(names, 1, None))):
            raise RunStoreError(f"Storage listed {len(names)} containers, some of them twice. Start a new audit.")
        await self._blobs.write(path, pack(names))

    async def listing(self, audit_id: str) -> Listing | None:
        """What ``write_containers`` said, or None before it was done."""
        stored = await self._blobs.read(f"{audit_id}/listing.json")
        return None if stored is None else Listing.from_json(json.loads(stored.data))

    def container_names(self, audit_id: str) -> AsyncIterator[list[str]]:
        """All container names, ascending, in portions."""
        return self._values(f"{audit_id}/containers.jsonl.gz")

    def relisted_names(self, audit_id: str) -> AsyncIterator[list[str]]:
        """All names of ``write_relisted``, ascending, in portions."""
        return self._values(f"{audit_id}/relisted.jsonl.gz")

    async def write_rows(
        self, audit_id: str, candidates: AsyncIterator[list[str]], registered: AsyncIterator[list[str]]
    ) -> None:
        """Write what the database said, as JSON texts; the candidates last."""
        for name, portions in (("registered", registered), ("candidates", candidates)):
            members = (pack_lines(lines) async for lines in portions)
            await self._blobs.write_stream(f"{audit_id}/{name}.jsonl.gz", members)

    async def has_rows(self, audit_id: str) -> bool:
        """True if ``write_rows`` was done."""
        return await self._blobs.exists(f"{audit_id}/candidates.jsonl.gz")

    async def candidates(self, audit_id: str) -> AsyncIterator[list[Candidate]]:
        """The candidates as pulled, in portions."""
        async for values in self._values(f"{audit_id}/candidates.jsonl.gz"):
            yield [Candidate.from_json(value) for value in values]

    async def registered(self, audit_id: str) -> AsyncIterator[list[RegisteredRecording]]:
        """The registered recordings, ascending by recording id, in portions."""
        async for values in self._values(f"{audit_id}/registered.jsonl.gz"):
            yield [RegisteredRecording.from_json(value) for value in values]

    async def registered_ids(self, audit_id: str) -> AsyncIterator[list[str]]:
        """Their ids alone: the first text on each line, cut out because parsing the rest takes ten times as long."""
        async for lines in self._lines(f"{audit_id}/registered.jsonl.gz"):
            with self._undamaged(f"{audit_id}/registered.jsonl.gz"):
                ids = [first.decode() for _, first, _ in (line.split(b'"', 2) for line in lines)]
            yield ids

    async def _values(self, path: str) -> AsyncIterator[list[Any]]:
        async for lines in self._lines(path):
            with self._undamaged(path):
                yield loads(lines)

    async def _lines(self, path: str) -> AsyncIterator[list[bytes]]:
        unpacker = Unpacker()
        async for chunk in self._blobs.read_stream(path):
            for at in range(0, len(chunk), _PORTION_BYTES):
                with self._undamaged(path):
                    lines = unpacker.lines(chunk[at : at + _PORTION_BYTES])
                if lines:
                    yield lines
        with self._undamaged(path):
            unpacker.finish()

    @contextmanager
    def _undamaged(self, path: str) -> Iterator[None]:
        try:
            yield
        except ValueError as error:
            raise RunStoreError(f"{path} in {self._blobs.where} is damaged: {error}. Start a new audit.") from error

    # --- the plan -----------------------------------------------------------------------------------------------

    async def write_plan(self, audit_id: str, plan: Plan, shards: AsyncIterator[list[str]]) -> Plan:
        """Write the names to open, shard by shard, and then the plan that points into them; returns the plan with its
        pointers. Raises ``RunStoreError`` if the names are not strictly ascending.
        """
        planned: list[PlannedShard] = []

        async def members() -> AsyncIterator[bytes]:
            offset, before = 0, ""
            async for names in shards:
                try:
                    shard = shard_of(len(planned), before, names)
                except ValueError as error:
                    raise RunStoreError(f"{audit_id}/containers.jsonl.gz: {error}. Start a new audit.") from error
                before = names[-1] if names else before
                member = pack(names)
                planned.append(PlannedShard(shard, offset, len(member)))
                offset += len(member)
                yield member

        await self._blobs.write_stream(f"{audit_id}/work.jsonl.gz", members())
        plan = replace(plan, shards=tuple(planned))
        await self._blobs.write(f"{audit_id}/plan.json", _json(plan.to_json()))
        return plan

    async def plan(self, audit_id: str) -> Plan | None:
        """The plan, or None before it is made."""
        stored = await self._blobs.read(f"{audit_id}/plan.json")
        return None if stored is None else Plan.from_json(json.loads(stored.data))

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
        with self._undamaged(f"{audit_id}/work.jsonl.gz"):
            names = [] if stored is None else unpack(stored.data)
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
        self, audit_id: str, shard: int, attempt: int, records: Sequence[Record], seen: ShardResult | None
    ) -> dict[str, int] | None:
        """As ``write_shard``, but only in place of the result that was ``seen``; None if there is another by now:
        an activity of an earlier attempt may still be at work. Atomic.
        """
        counts, metadata, data = _packed(attempt, records)
        path = _shard(audit_id, shard)
        if seen is None:
            return counts if await self._blobs.create(path, data, metadata) else None
        return counts if await self._blobs.replace(path, data, seen.etag, metadata) else None

    async def shard_result(self, audit_id: str, shard: int) -> ShardResult | None:
        """What a shard saw, or None if it was never scanned to its end."""
        path = _shard(audit_id, shard)
        stored = await self._blobs.read(path)
        if stored is None:
            return None
        with self._undamaged(path):
            return ShardResult([record_from_json(value) for value in unpack(stored.data)], stored.etag)

    async def shard(self, audit_id: str, shard: int) -> list[Record] | None:
        """The records of ``shard_result``."""
        result = await self.shard_result(audit_id, shard)
        return None if result is None else result.records

    async def write_progress(self, audit_id: str, shard: int, records: Sequence[Record]) -> None:
        """Say how far a shard has come."""
        metadata = {name: str(count) for name, count in counts_of(records).items()}
        await self._blobs.write(f"{audit_id}/shards/{shard:04}.progress", b"", metadata)

    async def shard_records(self, audit_id: str, planned: PlannedShard) -> list[Record]:
        """What a shard saw; without a result its containers come back as failed, never as nothing."""
        records = await self.shard(audit_id, planned.shard.index)
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
            if name.startswith("shards/"):
                index, _, kind = name.removeprefix("shards/").partition(".")
                # "0007.jsonl.gz" is listed before "0007.progress", and is the one to believe.
                counts = {count: int(blob.metadata.get(count, 0)) for count in COUNTS}
                progress = ShardProgress(done=kind == "jsonl.gz", updated_at=blob.last_modified, **counts)
                shards.setdefault(int(index), progress)
        letters = sum(name.startswith("dead-letters/") for name in names)
        return Artefacts(frozenset(names), shards, max(moments, default=None), scan_started_at, letters)

    # --- dead letters -----------------------------------------------------------------------------------------------

    async def write_dead_letter(self, audit_id: str, letter: DeadLetter) -> None:
        """Keep a dead letter in place of the one its shard had."""
        await self._blobs.write(_dead_letter(audit_id, letter.shard), _json(letter.to_json()))

    async def delete_dead_letter(self, audit_id: str, shard: int) -> None:
        """Take a dead letter back, if there is one."""
        await self._blobs.delete(_dead_letter(audit_id, shard))

    async def dead_letter(self, audit_id: str, shard: int) -> DeadLetter | None:
        """The dead letter of a shard, or None."""
        path = _dead_letter(audit_id, shard)
        stored = await self._blobs.read(path)
        if stored is None:
            return None
        with self._undamaged(path):
            return DeadLetter.from_json(json.loads(stored.data))

    async def dead_letters(self, audit_id: str) -> list[DeadLetter]:
        """All dead letters of an audit, by shard."""
        shards = [
            int(blob.path.rpartition("/")[2].removesuffix(".json"))
            async for blob in self._blobs.listing(f"{audit_id}/dead-letters/")
        ]
        letters = [await self.dead_letter(audit_id, shard) for shard in sorted(shards)]
        return [letter for letter in letters if letter is not None]

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


def _shard(audit_id: str, shard: int) -> str:
    return f"{audit_id}/shards/{shard:04}.jsonl.gz"


def _packed(attempt: int, records: Sequence[Record]) -> tuple[dict[str, int], dict[str, str], bytes]:
    """A shard's counts, its metadata and its bytes."""
    counts = counts_of(records)
    metadata = {name: str(count) for name, count in counts.items()} | {"attempt": str(attempt)}
    return counts, metadata, pack(record.to_json() for record in records)


def _dead_letter(audit_id: str, shard: int) -> str:
    return f"{audit_id}/dead-letters/{shard:04}.json"


def _json(value: Any) -> bytes:
    return json.dumps(value, indent=2, ensure_ascii=False).encode()
