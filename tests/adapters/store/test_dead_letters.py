import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from adapters.store.blobs import BlobStore
from adapters.store.run_store import RunStore
from reconciliation.dead_letters import DeadLetter
from reconciliation.errors import RunStoreError, UnreadableError
from tests.adapters.store import damages
from tests.adapters.store.portions import AUDIT

AT = datetime(2026, 1, 31, 9, 30, 0, 123456, tzinfo=UTC)
LETTER = DeadLetter(7, "7f", 3, 1, (("7f-lost", "403"),), attempts=3, first_at=AT, last_at=AT)


async def test_dead_letters_come_back_by_shard_and_are_counted(store: RunStore) -> None:
    assert await store.letters.all(AUDIT) == []
    letters = [replace(LETTER, shard=shard) for shard in (0, 7, 12, 255)]
    for letter in reversed(letters):
        await store.letters.write(AUDIT, letter)
    await store.letters.write(f"{AUDIT}0", LETTER)
    assert await store.letters.all(AUDIT) == letters
    assert await store.letters.letter(AUDIT, 12) == letters[2]
    assert await store.letters.letter(AUDIT, 11) is None
    assert (await store.overview.artefacts(AUDIT)).dead_letters == 4


async def test_a_dead_letter_takes_the_place_of_the_one_its_shard_had_and_can_be_taken_back(store: RunStore) -> None:
    await store.letters.write(AUDIT, LETTER)
    again = replace(LETTER, attempts=6)
    await store.letters.write(AUDIT, again)
    assert await store.letters.all(AUDIT) == [again]
    await store.letters.delete(AUDIT, 7)
    await store.letters.delete(AUDIT, 7)
    assert await store.letters.all(AUDIT) == []


async def test_a_damaged_dead_letter_is_named(store: RunStore, blobs: BlobStore) -> None:
    await blobs.write(f"{AUDIT}/dead-letters/0007.json", b"{")
    with pytest.raises(RunStoreError, match=r"dead-letters/0007\.json .* cannot be read"):
        await store.letters.all(AUDIT)


async def test_what_is_no_dead_letter_of_its_shard_is_none(store: RunStore, blobs: BlobStore) -> None:
    await store.letters.write(AUDIT, LETTER)
    for name in ("notes.txt", "7.json", "0007.json.bak", "older/0008.json"):
        await blobs.write(f"{AUDIT}/dead-letters/{name}", b"x")
    assert await store.letters.all(AUDIT) == [LETTER]
    assert (await store.overview.artefacts(AUDIT)).dead_letters == 1
    await blobs.write(f"{AUDIT}/dead-letters/0012.json", json.dumps(LETTER.to_json()).encode())
    with pytest.raises(UnreadableError, match=r"dead-letters/0012\.json .* of another shard"):
        await store.letters.all(AUDIT)


async def test_a_dead_letter_that_this_release_does_not_write_is_named(store: RunStore, blobs: BlobStore) -> None:
    path = f"{AUDIT}/dead-letters/0007.json"
    for damage in damages.documents(LETTER.to_json(), may_be_texts={"start"}, may_be_missing={"discarded"}):
        await blobs.write(path, damage)
        with pytest.raises(UnreadableError, match=rf"^{path} in container .* cannot be read: .+") as refused:
            await store.letters.letter(AUDIT, 7)
        assert refused.value.path == path
    await blobs.write(path, json.dumps(LETTER.to_json()).encode())
    assert await store.letters.letter(AUDIT, 7) == LETTER
