"""The repairs of all profiles, and the guard that keeps each profile to one that changes anything.

<profile>/repairing.json                            names the repair of the profile that may change anything
<profile>/repairs/<id>/repair.json                  the record; its moves are those of the table
<profile>/repairs/<id>/plan.json, decision.json     written once
<profile>/repairs/<id>/stop.json                    somebody asked it to stop
<profile>/repairs/<id>/people/<seal>.json           who a seal is of; may become a pseudonym
<profile>/repairs/<id>/pseudonyms/<seal>.json       who replaced the name of a seal, and when: written once
<profile>/repairs/<id>/ledger/0007-1.intended.json  before an effect, and 0007-1.ended.json after it: written once
<profile>/repairs/<id>/verified/1.json              what a look after the changes found
<profile>/repairs/<id>/1/...                        the audit of its subjects that a look is, by number
"""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from adapters.store.blobs import BlobStore
from adapters.store.documents import document, read_document
from adapters.store.folder import Folder
from reconciliation.canonical import digest_of
from reconciliation.errors import RunStoreError, UnreadableError
from reconciliation.fields import Fields
from reconciliation.ledger import EffectEntries, Entry, Intended, Ledger
from reconciliation.people import Sealed
from reconciliation.repair_lifecycle import RepairState, may_become
from reconciliation.repair_plan import RepairPlan
from reconciliation.repair_record import Decision, RepairRecord
from reconciliation.run_record import is_audit_id
from reconciliation.times import to_text

SCHEMA_VERSION = 1
_READ_AT_ONCE = 32
_CLAIMS = 5
_INTENDED, _ENDED = ".intended.json", ".ended"


@dataclass(frozen=True)
class ActiveRepair:
    """The repair that a profile's guard names, and when the guard was written."""

    repair_id: str
    since: datetime
    etag: str


@dataclass(frozen=True)
class StoredPlan:
    """A plan as it is kept: the very bytes of it, and their ``digest``."""

    plan: RepairPlan
    data: bytes

    @property
    def digest(self) -> str:
        return digest_of(self.data)


class Repairs:
    """Reads and writes them. Errors are those of ``BlobStore``, plus ``RunStoreError``; of a blob that is damaged, or
    of a later release, ``UnreadableError``.
    """

    def __init__(self, blobs: BlobStore) -> None:
        self._blobs, self._folder = blobs, Folder(blobs)

    # --- records ------------------------------------------------------------------------------------------------------

    async def create(self, record: RepairRecord) -> None:
        """Write the record of a new repair. Raises ``RunStoreError`` if there is another one of that id."""
        created = await self._blobs.create(f"{record.folder}/repair.json", document(record.to_json()))
        if not created and await self.record(record.profile, record.repair_id) != record:
            raise RunStoreError(f"There is already a repair {record.repair_id} in {self._blobs.where}.")

    async def record(self, profile: str, repair_id: str) -> RepairRecord | None:
        """The record of a repair; None if there is no such repair."""
        folder = f"{profile}/repairs/{repair_id}"
        path = f"{folder}/repair.json"
        stored = await self._blobs.read(path)
        if stored is None:
            return None
        record = read_document(path, self._blobs.where, stored.data, RepairRecord.from_json)
        if record.folder != folder:
            raise UnreadableError(path, self._blobs.where, "it is the record of another repair")
        return replace(record, etag=stored.etag)

    async def move(self, record: RepairRecord, state: RepairState, at: datetime, **changes: Any) -> RepairRecord:
        """Change the record to another state, if the table has that move; returns the record as it is then, whoever was
        faster. Atomic.
        """
        while may_become(record.state, state):
            moved = record.moved(state, at, **changes)
            etag = await self._blobs.put(f"{record.folder}/repair.json", document(moved.to_json()), record.etag)
            if etag is not None:
                return replace(moved, etag=etag)
            record = await self._again(record)
        return record

    async def _again(self, record: RepairRecord) -> RepairRecord:
        now = await self.record(record.profile, record.repair_id)
        if now is None:
            raise RunStoreError(f"The record of repair {record.repair_id} is no more in {self._blobs.where}.")
        return now

    async def newest_first(self, profile: str) -> AsyncIterator[RepairRecord | UnreadableError]:
        """The records of a profile's repairs, newest first; in place of one that cannot be read, why."""
        folders = self._blobs.folders(f"{profile}/repairs/")
        for repair_id in sorted([name async for name in folders if is_audit_id(name)], reverse=True):
            try:
                record = await self.record(profile, repair_id)
            except UnreadableError as error:
                yield error
                continue
            if record is not None:
                yield record

    # --- the guard ----------------------------------------------------------------------------------------------------

    async def active(self, profile: str) -> ActiveRepair | None:
        """The repair that the profile's guard names, ended or not."""
        path = _guard(profile)
        stored = await self._blobs.read(path)
        if stored is None:
            return None
        repair_id, since = read_document(path, self._blobs.where, stored.data, _named)
        return ActiveRepair(repair_id, since, stored.etag)

    async def claim(
        self, profile: str, repair_id: str, at: datetime, instead_of: ActiveRepair | None
    ) -> ActiveRepair | None:
        """Make it the active repair of the profile, and give the guard; None if another was faster. Atomic."""
        value = {"schema_version": SCHEMA_VERSION, "complete": True, "repair_id": repair_id, "since": to_text(at)}
        etag = await self._blobs.put(_guard(profile), document(value), None if instead_of is None else instead_of.etag)
        if etag is not None:
            return ActiveRepair(repair_id, at, etag)
        # A write whose answer is lost on the way is sent again and then finds itself.
        active = await self.active(profile)
        return active if active is not None and (active.repair_id, active.since) == (repair_id, at) else None

    async def take_place(self, record: RepairRecord, at: datetime) -> ActiveRepair | RepairRecord | None:
        """Make it the active repair of its profile, and give the guard; or the record of the one that has the place,
        which has not ended; or None if others were faster all the time.

        A guard that names this very repair is written again, too: whoever is about to free it finds it changed.
        """
        active = await self.active(record.profile)
        for _ in range(_CLAIMS):
            if active is not None and active.repair_id != record.repair_id:
                holder = await self.record(record.profile, active.repair_id)
                if holder is not None and not holder.state.has_ended:
                    return holder
            held = await self.claim(record.profile, record.repair_id, at, active)
            if held is not None:
                return held
            active = await self.active(record.profile)
        return None

    async def release(self, active: ActiveRepair, profile: str) -> bool:
        """Delete a guard; False if it has changed since it was read."""
        return await self._blobs.delete(_guard(profile), active.etag)

    # --- plan and decision --------------------------------------------------------------------------------------------

    async def create_plan(self, record: RepairRecord, plan: RepairPlan) -> StoredPlan:
        """Keep a plan; if there is one already, that one counts, and is given."""
        data = plan.data()
        if not await self._blobs.create(f"{record.folder}/plan.json", data):
            return await self.plan(record) or StoredPlan(plan, data)
        return StoredPlan(plan, data)

    async def plan(self, record: RepairRecord) -> StoredPlan | None:
        """The plan of a repair, with the digest of its very bytes; None before it is made."""
        path = f"{record.folder}/plan.json"
        stored = await self._blobs.read(path)
        if stored is None:
            return None
        plan = read_document(path, self._blobs.where, stored.data, RepairPlan.from_json)
        if (plan.profile, plan.repair_id) != (record.profile, record.repair_id):
            raise UnreadableError(path, self._blobs.where, "it is the plan of another repair")
        return StoredPlan(plan, stored.data)

    async def decide(self, record: RepairRecord, decision: Decision) -> Decision:
        """Keep a decision; of several, the first counts, and is given. Atomic."""
        if not await self._blobs.create(f"{record.folder}/decision.json", document(decision.to_json())):
            return await self.decision(record) or decision
        return decision

    async def decision(self, record: RepairRecord) -> Decision | None:
        """What was decided about a plan; None as long as nothing was."""
        return await self._folder.document(f"{record.folder}/decision.json", Decision.from_json)

    async def ask_to_stop(self, record: RepairRecord, person: str, at: datetime) -> None:
        """Keep that somebody (a seal) wants it to stop. Idempotent."""
        value = {"schema_version": SCHEMA_VERSION, "complete": True, "person": person, "at": to_text(at)}
        await self._blobs.create(f"{record.folder}/stop.json", document(value))

    async def is_to_stop(self, record: RepairRecord) -> bool:
        """True once somebody asked it to stop, whatever the blob says."""
        return await self._blobs.read(f"{record.folder}/stop.json") is not None

    # --- people -------------------------------------------------------------------------------------------------------

    async def seal(self, record: RepairRecord, sealed: Sealed) -> None:
        """Keep who a seal is of; also in place of what is known of it, when a name becomes a pseudonym."""
        await self._blobs.write(f"{record.folder}/people/{sealed.seal}.json", document(sealed.to_json()))

    async def people(self, record: RepairRecord) -> list[Sealed]:
        """Everybody who had to do with a repair, in the order of their seals."""
        paths = [blob.path async for blob in self._blobs.listing(f"{record.folder}/people/")]
        found = [await self._folder.document(path, Sealed.from_json) for path in sorted(paths)]
        return [one for one in found if one is not None]

    async def note_pseudonym(self, record: RepairRecord, seal: str, by: str, at: datetime) -> None:
        """Keep who (a seal) gave the person of a seal a pseudonym; the first time counts."""
        value = {"schema_version": SCHEMA_VERSION, "complete": True, "by": by, "at": to_text(at)}
        await self._blobs.create(f"{record.folder}/pseudonyms/{seal}.json", document(value))

    async def notes(self, record: RepairRecord) -> dict[str, Any]:
        """Who asked it to stop, and who gave pseudonyms: seals and moments, by the names of what is kept."""
        paths = [f"{record.folder}/stop.json"]
        paths += [blob.path async for blob in self._blobs.listing(f"{record.folder}/pseudonyms/")]
        found = {
            path: await self._folder.document(path, lambda value: dict(Fields.of(value).members)) for path in paths
        }
        return {path.removeprefix(f"{record.folder}/"): value for path, value in found.items() if value is not None}

    async def person(self, record: RepairRecord, seal: str) -> Sealed | None:
        """Who a seal is of; None if that is not known."""
        return await self._folder.document(f"{record.folder}/people/{seal}.json", Sealed.from_json)

    # --- the ledger ---------------------------------------------------------------------------------------------------

    async def intend(self, record: RepairRecord, effect: str, intended: Intended) -> tuple[Intended, bool]:
        """Write that an effect is about to be applied. Of several who do, one may go on: it gets True. Atomic."""
        path = f"{record.folder}/ledger/{effect}{_INTENDED}"
        if await self._blobs.create(path, document(intended.to_json())):
            return intended, True
        # A write whose answer is lost on the way is sent again and then finds itself.
        before = await self._folder.document(path, Intended.from_json) or intended
        return before, before == intended

    async def end(self, record: RepairRecord, effect: str, entry: Entry) -> Entry:
        """Write how an effect ended; returns the ending that counts. One that says something else than the first is
        kept beside it.
        """
        path = f"{record.folder}/ledger/{effect}{_ENDED}"
        if await self._blobs.create(f"{path}.json", document(entry.to_json())):
            return entry
        first = await self._folder.document(f"{path}.json", Entry.from_json)
        if first is None or first.ended == entry.ended:
            return first or entry
        for number in range(2, 100):
            if await self._blobs.create(f"{path}-{number}.json", document(entry.to_json())):
                break
            other = await self._folder.document(f"{path}-{number}.json", Entry.from_json)
            if other is None or other.ended == entry.ended:
                break
        return first

    async def ledger(self, record: RepairRecord) -> Ledger:
        """All that was written of a repair's effects."""
        prefix = f"{record.folder}/ledger/"
        return await self._entries(prefix, [blob.path async for blob in self._blobs.listing(prefix)])

    async def entries(self, record: RepairRecord, effect: str) -> EffectEntries:
        """All that was written of one effect."""
        prefix = f"{record.folder}/ledger/"
        paths = [blob.path async for blob in self._blobs.listing(f"{prefix}{effect}.")]
        return (await self._entries(prefix, paths)).of(effect)

    async def _entries(self, prefix: str, paths: list[str]) -> Ledger:
        # The first ending of an effect has the shortest name of them.
        paths.sort(key=lambda path: (len(path), path))
        values: dict[str, Intended | Entry | None] = {}
        for at in range(0, len(paths), _READ_AT_ONCE):
            some = paths[at : at + _READ_AT_ONCE]
            values |= zip(some, await asyncio.gather(*map(self._entry, some)), strict=True)
        intended: dict[str, Intended] = {}
        endings: defaultdict[str, list[Entry]] = defaultdict(list)
        for path, value in values.items():
            effect = path.removeprefix(prefix).partition(".")[0]
            if isinstance(value, Intended):
                intended[effect] = value
            elif value is not None:
                endings[effect].append(value)
        names = sorted({*intended, *endings})
        return Ledger({name: EffectEntries(intended.get(name), tuple(endings[name])) for name in names})

    async def _entry(self, path: str) -> Intended | Entry | None:
        if path.endswith(_INTENDED):
            return await self._folder.document(path, Intended.from_json)
        return await self._folder.document(path, Entry.from_json)

    # --- looks after the changes --------------------------------------------------------------------------------------

    async def write_verified(self, record: RepairRecord, number: int, verdicts: Sequence[dict[str, Any]]) -> None:
        """Keep what a look found after the changes, each a subject with its verdict before and now."""
        value = {"schema_version": SCHEMA_VERSION, "complete": True, "verdicts": list(verdicts)}
        await self._blobs.create(f"{record.folder}/verified/{number}.json", document(value))

    async def verified(self, record: RepairRecord, number: int) -> list[dict[str, Any]] | None:
        """What that look found; None if it was not taken."""

        def read(value: Any) -> list[dict[str, Any]]:
            return [dict(one.members) for one in Fields.of_version(value, SCHEMA_VERSION).objects("verdicts")]

        return await self._folder.document(f"{record.folder}/verified/{number}.json", read)

    async def all_verified(self, record: RepairRecord) -> dict[int, list[dict[str, Any]]]:
        """What every look after the changes found, by its number."""
        prefix = f"{record.folder}/verified/"
        numbers = [
            int(name)
            async for blob in self._blobs.listing(prefix)
            if (name := blob.path.removeprefix(prefix).removesuffix(".json")).isdecimal()
        ]
        return {number: await self.verified(record, number) or [] for number in sorted(numbers)}

    async def delete(self, record: RepairRecord) -> None:
        """Delete all of a repair: plan and decision first, so that a policy that holds them holds all the rest; its
        record last, so that an interrupted deletion can be repeated.
        """
        await self._folder.delete(f"{record.folder}/", _in_order_of_deletion)

    async def forget_looks(self, record: RepairRecord) -> None:
        """Delete what the looks have read: plan, decision, ledger and verdicts stay. Idempotent."""
        async for folder in self._blobs.folders(f"{record.folder}/"):
            if folder.isdecimal():
                async for blob in self._blobs.listing(f"{record.folder}/{folder}/"):
                    await self._blobs.delete(blob.path)


def _in_order_of_deletion(path: str) -> tuple[int, str]:
    first_or_last = {"plan.json": -2, "decision.json": -1, "repair.json": 1}
    return first_or_last.get(path.rpartition("/")[2], 0), path


def _guard(profile: str) -> str:
    return f"{profile}/repairing.json"


def _named(value: Any) -> tuple[str, datetime]:
    """The repair that a guard names, and since when. Raises ``ValueError`` if it is not a guard."""
    fields = Fields.of_version(value, SCHEMA_VERSION)
    repair_id = fields.text("repair_id")
    if not is_audit_id(repair_id):
        raise ValueError("its repair_id is not the id of a repair")
    return repair_id, fields.moment("since")
