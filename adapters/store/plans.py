"""The plan of an audit, and the units of its shards."""

from collections.abc import AsyncIterator
from typing import Any

from adapters.store.documents import document, understood
from adapters.store.folder import Folder, behind
from adapters.store.jsonl import pack_lines, to_text
from reconciliation.errors import RunStoreError
from reconciliation.plan import Block, Plan, PlannedShard


class Plans:
    """Plans, which never change once they are written."""

    def __init__(self, folder: Folder) -> None:
        self._folder = folder
        # Every shard of an audit needs its plan.
        self._cached: dict[str, Plan] = {}

    async def write_work(self, audit: str, blocks: AsyncIterator[list[list[Any]]]) -> list[Block]:
        """Write the units to open, if there are any, each with its hint, block by block; returns offset and length of
        each block.
        """
        written: list[Block] = []

        async def members() -> AsyncIterator[bytes]:
            offset = 0
            async for block in blocks:
                member = pack_lines([_line(unit, hint) for unit, hint in block])
                written.append(Block(block[0][0], block[-1][0], len(block), offset, len(member)))
                offset += len(member)
                yield member

        packed = members()
        if (first := await anext(packed, None)) is not None:
            await self._folder.blobs.write_stream(f"{audit}/work.jsonl.gz", behind(first, packed))
        return written

    async def first(self, audit: str, plan: Plan) -> Plan:
        """Write the plan; if there is one, that is kept and returned."""
        if not await self._folder.blobs.create(f"{audit}/plan.json", document(plan.to_json())):
            plan = await self.plan(audit) or plan
        self._cached = {audit: plan}
        return plan

    async def plan(self, audit: str) -> Plan | None:
        """None before the plan is made."""
        return await self._folder.document(f"{audit}/plan.json", Plan.from_json)

    async def existing(self, audit: str) -> Plan:
        """The plan of an audit, cached. Raises ``RunStoreError`` if it has none."""
        if audit not in self._cached:
            plan = await self.plan(audit)
            if plan is None:
                raise RunStoreError(f"{audit} has no plan in {self._folder.blobs.where}. Start a new audit.")
            self._cached = {audit: plan}
        return self._cached[audit]

    async def units(self, audit: str, planned: PlannedShard) -> list[tuple[str, Any]]:
        """The units of one shard with their hints, ascending; reads no more than those."""
        path = f"{audit}/work.jsonl.gz"
        values = await self._folder.slice(path, planned.offset, planned.length)
        with understood(path, self._folder.blobs.where):
            units = [_unit(value) for value in values]
        if len(units) != planned.shard.units:
            raise RunStoreError(
                f"Shard {planned.shard.index} of {audit} has {len(units)} units of {planned.shard.units} in "
                f"{self._folder.blobs.where}. Start a new audit."
            )
        return units


def _line(unit: str, hint: Any) -> str:
    # Encoding a list takes seven times as long as encoding a text, and most units have no hint.
    return f"[{to_text(unit)},{'null' if hint is None else to_text(hint)}]"


def _unit(value: Any) -> tuple[str, Any]:
    """Raises ``TypeError`` or ``ValueError`` if ``value`` is not a unit and its hint."""
    unit, hint = value
    if not (isinstance(value, list) and isinstance(unit, str)):
        raise TypeError(value)
    return unit, hint
