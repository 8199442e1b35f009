import asyncio
import json
from datetime import UTC, datetime, timedelta

import pytest

from adapters.store.blobs import BlobStore, Stored
from adapters.store.run_store import RunStore
from reconciliation.errors import RunStoreError
from reconciliation.question import MOST_KEPT, CompletedAudits
from tests.adapters.store import damages

PROFILE, QUESTION = "pre-capture-sessions", "0123456789abcdef0123456789abcdef"
PATH = f"{PROFILE}/questions/{QUESTION}.json"
AT = datetime(2026, 1, 31, 9, 30, 0, 123456, tzinfo=UTC)


def begun(number: int) -> tuple[datetime, str]:
    """When an audit began, and its id."""
    return AT + timedelta(minutes=number), f"20260131-093000-{number:08x}"


async def add(store: RunStore, *numbers: int, question: str = QUESTION, profile: str = PROFILE) -> None:
    for number in numbers:
        await store.questions.add(profile, question, begun(number), is_first=False)


async def known(store: RunStore) -> CompletedAudits:
    return await store.questions.completed(PROFILE, QUESTION)


@pytest.fixture
def reads(blobs: BlobStore, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The paths of all that is read."""
    paths = []
    read = blobs.read

    async def noted(path: str) -> Stored | None:
        paths.append(path)
        return await read(path)

    monkeypatch.setattr(blobs, "read", noted)
    return paths


async def test_what_answered_a_question_is_known_newest_first_however_often_it_is_told(store: RunStore) -> None:
    assert await known(store) == CompletedAudits()
    await add(store, 2, 1, 3, 1)
    assert await known(store) == CompletedAudits((begun(3), begun(2), begun(1)))


async def test_questions_and_profiles_are_apart(store: RunStore) -> None:
    await add(store, 1)
    await add(store, 2, question="f" * 32)
    await add(store, 3, profile="other")
    assert await known(store) == CompletedAudits((begun(1),))
    assert await store.questions.completed("other", QUESTION) == CompletedAudits((begun(3),))


async def test_it_says_in_which_form_it_is_and_that_it_is_complete(store: RunStore, blobs: BlobStore) -> None:
    await add(store, 1)
    stored = await blobs.read(PATH)
    assert stored is not None
    document = json.loads(stored.data)
    assert (document["schema_version"], document["complete"]) == (1, True)


async def test_the_first_answer_is_written_without_a_look_and_takes_nothing_away_that_is_there(
    store: RunStore, reads: list[str]
) -> None:
    await store.questions.add(PROFILE, QUESTION, begun(1), is_first=True)
    assert reads == []
    await store.questions.add(PROFILE, QUESTION, begun(2), is_first=True)
    assert reads == [PATH]
    assert await known(store) == CompletedAudits((begun(2), begun(1)))


async def test_what_is_known_already_is_not_written_again(
    store: RunStore, blobs: BlobStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    await add(store, 1, 2)
    monkeypatch.setattr(blobs, "replace", None)
    await add(store, 1, 2)


async def test_of_several_who_answer_at_once_none_is_lost(store: RunStore) -> None:
    adding = [store.questions.add(PROFILE, QUESTION, begun(n), is_first=bool(n % 2)) for n in range(4)]
    await asyncio.gather(*adding)
    assert await known(store) == CompletedAudits(tuple(begun(n) for n in (3, 2, 1, 0)))


async def test_an_index_that_never_stands_still_is_an_error(
    store: RunStore, blobs: BlobStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def changed(*_: object) -> bool:
        return False

    await add(store, 1)
    monkeypatch.setattr(blobs, "replace", changed)
    with pytest.raises(RunStoreError, match=rf"^{PATH} in container .* is changed all the time\. Try again\.$"):
        await add(store, 2)


async def test_an_index_does_not_grow_for_ever(store: RunStore) -> None:
    await add(store, *range(MOST_KEPT + 2))
    assert (await known(store)).audits == tuple(begun(n) for n in reversed(range(2, MOST_KEPT + 2)))


async def test_an_index_that_cannot_be_read_counts_as_none_and_is_written_anew(
    store: RunStore, blobs: BlobStore, caplog: pytest.LogCaptureFixture
) -> None:
    await add(store, 1)
    whole = (await known(store)).to_json()
    for damage in damages.documents(whole, may_be_texts=set(), may_be_missing=set()):
        await blobs.write(PATH, damage)
        caplog.clear()
        assert await known(store) == CompletedAudits()
        assert f"{PATH} in container" in caplog.text
        assert await store.questions.compared_with(PROFILE) == set()
        await add(store, 2)
        assert await known(store) == CompletedAudits((begun(2),))


async def test_the_newest_audit_of_each_question_is_the_one_to_compare_with(store: RunStore) -> None:
    assert await store.questions.compared_with(PROFILE) == set()
    await add(store, 1, 2)
    await add(store, 4, 3, question="f" * 32)
    await add(store, 5, profile="other")
    assert await store.questions.compared_with(PROFILE) == {begun(2)[1], begun(4)[1]}


async def test_questions_that_were_not_answered_for_long_are_forgotten(store: RunStore, blobs: BlobStore) -> None:
    await add(store, 1)
    await add(store, 2, question="f" * 32)
    await add(store, 3, profile="other")
    moments = {blob.path: blob.last_modified async for blob in blobs.listing("")}
    await store.questions.forget(PROFILE, moments[PATH])
    assert [blob.path async for blob in blobs.listing("")] == sorted(moments), "answered in that moment, not before it"
    await store.questions.forget(PROFILE, max(moments.values()) + timedelta(seconds=1))
    assert [blob.path async for blob in blobs.listing("")] == [f"other/questions/{QUESTION}.json"]
    await add(store, 4)
    assert await known(store) == CompletedAudits((begun(4),))
