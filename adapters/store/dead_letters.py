"""Dead letters: the shards that could not be read to their end."""

import re
from typing import Any

from adapters.store.folder import Folder
from reconciliation.dead_letters import DeadLetter

_DEAD_LETTER = re.compile(r"dead-letters/([0-9]{4})\.json")


class DeadLetters:
    def __init__(self, folder: Folder) -> None:
        self._folder = folder

    async def write(self, audit: str, letter: DeadLetter) -> None:
        """Write or replace the dead letter of its shard."""
        await self._folder.write_document(_dead_letter(audit, letter.shard), letter.to_json())

    async def delete(self, audit: str, shard: int) -> None:
        """Idempotent."""
        await self._folder.blobs.delete(_dead_letter(audit, shard))

    async def letter(self, audit: str, shard: int) -> DeadLetter | None:
        """None if the shard has no dead letter."""

        def read(value: Any) -> DeadLetter:
            letter = DeadLetter.from_json(value)
            if letter.shard != shard:
                raise ValueError("it is the dead letter of another shard")
            return letter

        return await self._folder.document(_dead_letter(audit, shard), read)

    async def all(self, audit: str) -> list[DeadLetter]:
        """All dead letters of an audit, ascending by shard."""
        names = [
            blob.path.removeprefix(f"{audit}/") async for blob in self._folder.blobs.listing(f"{audit}/dead-letters/")
        ]
        shards = sorted(int(found[1]) for found in map(_DEAD_LETTER.fullmatch, names) if found)
        letters = [await self.letter(audit, shard) for shard in shards]
        return [letter for letter in letters if letter is not None]


def _dead_letter(audit: str, shard: int) -> str:
    return f"{audit}/dead-letters/{shard:04}.json"
