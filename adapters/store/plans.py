"""The plan of an audit, and the units that it points to."""

from collections.abc import AsyncIterator
from typing import Any

from adapters.store.folder import Folder
from adapters.store.jsonl import pack
from reconciliation.errors import RunStoreError
from reconciliation.plan import Block, Plan, PlannedShard


class Plans:
    """Plans, which never change once they are written."""

    def __init__(self, folder: Folder) -> None:
        self._folder = folder
        # Every shard of an audit asks for its plan.
        self._known: dict[str, Plan] = {}

    async def write_work(
        self, audit: str, blocks: AsyncIterator[list[list[Any]]], *, only_new: bool = False
    ) -> list[Block] | None:
        """Write the units to open, each with its hint, block by block; returns where each block stands. None: units are
        there, and were to be kept (``only_new``).
        """
        written: list[Block] = []

        async def members() -> AsyncIterator[bytes]:
            offset = 0
            async for block in blocks:
                member = pack(block)
                written.append(Block(block[0][0], block[-1][0], len(block), offset, len(member)))
                offset += len(member)
                yield member

        path, blobs, packed = f"{audit}/work.jsonl.gz", self._folder.blobs, members()
        if only_new:
            return written if await blobs.create_stream(path, packed) else None
        await blobs.write_stream(path, packed)
        return written

    async def write(self, audit: str, plan: Plan) -> None:
        """Write the plan."""
        await self._folder.write_document(f"{audit}/plan.json", plan.to_json())
        self._known = {audit: plan}

    async def plan(self, audit: str) -> Plan | None:
        """The plan, or None before it is made."""
        return await self._folder.document(f"{audit}/plan.json", Plan.from_json)

    async def known(self, audit: str) -> Plan:
        """The plan of an audit that must have one. Raises ``RunStoreError`` if it has none."""
        if audit not in self._known:
            plan = await self.plan(audit)
            if plan is None:
                raise RunStoreError(f"{audit} has no plan in {self._folder.blobs.where}. Start a new audit.")
            self._known = {audit: plan}
        return self._known[audit]

    async def units(self, audit: str, planned: PlannedShard) -> list[tuple[str, Any]]:
        """The units of one shard with their hints, ascending; reads no more than those."""
        values = await self._folder.slice(f"{audit}/work.jsonl.gz", planned.offset, planned.length)
        if len(values) != planned.shard.containers:
            raise RunStoreError(
                f"Shard {planned.shard.index} of {audit} has {len(values)} units of {planned.shard.containers} in "
                f"{self._folder.blobs.where}. Start a new audit."
            )
        return [(unit, hint) for unit, hint in values]
