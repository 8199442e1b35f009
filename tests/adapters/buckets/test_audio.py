"""Objects read to their last byte: what they hold, and what is said where they cannot be read."""

import tracemalloc
from collections.abc import Iterator
from hashlib import sha256

import pytest

from adapters.buckets.audio import audio_of, audio_under
from dev.demo.temp_recordings.audio import FRAME, Mp3, mp3
from reconciliation.errors import StorageRefusedError, StorageUnavailableError
from reconciliation.lookups import AudioAnswer, AudioFound, AudioOf, AudioUnder, lookup_from_json, lookup_to_json
from tests.adapters.buckets.conftest import SETTING, Kept
from tests.adapters.buckets.streaming import Made, Streaming

MEGABYTE = 1024 * 1024
WHOLE = mp3(30_000, "whole").data()
UNDER = AudioUnder(SETTING, "temp/", (".mp3",))


class Remembering:
    """A memory of one unit."""

    def __init__(self) -> None:
        self.kept: dict[tuple[str, str, str], AudioAnswer] = {}

    async def known(self, setting: str, key: str, version: str) -> AudioAnswer | None:
        return self.kept.get((setting, key, version))

    async def keep(self, setting: str, key: str, answer: AudioAnswer) -> None:
        self.kept[setting, key, answer["version"]] = answer


def test_a_lookup_survives_the_run_store() -> None:
    for lookup in (UNDER, AudioOf(SETTING, "temp/a.mp3")):
        assert lookup_from_json(lookup_to_json(lookup)) == lookup


async def test_an_object_is_hashed_and_its_frames_are_counted(kept: Kept) -> None:
    cut = Mp3(1250, "cut", declares=1250).data()[:-1000]
    for key, data in (("a.mp3", WHOLE), ("b.mp3", cut), ("c.mp3", b""), ("d.pcm", bytes(5000))):
        await kept.put(f"temp/{key}", data)
    found = [one.audio for one in await audio_under(kept.bucket, AudioUnder(SETTING, "temp/", ("",)))]
    assert [one and one["sha256"] for one in found] == [
        sha256(one).hexdigest() for one in (WHOLE, cut, b"", bytes(5000))
    ]
    assert [
        one and (one["frames"], one["ms"], one["declared_frames"], one["is_cut"], one["stray"]) for one in found
    ] == [
        (1250, 30_000, None, False, 0),
        (1247, 29_928, 1250, True, 0),
        (0, 0, None, False, 0),
        (0, 0, None, False, 5000),
    ]
    missing = await audio_of(kept.bucket, AudioOf(SETTING, "temp/e.mp3"))
    assert (missing["state"], missing["sha256"], missing["version"]) == ("missing", "", "")


async def test_only_what_has_the_suffix_is_read() -> None:
    bucket = Streaming({key: Made.of(WHOLE) for key in ("temp/a.mp3", "temp/a.pcm", "temp/B.MP3", "storage/c.mp3")})
    found = await audio_under(bucket, UNDER)
    assert [(one.stored.key, one.audio is not None, one.unread) for one in found] == [
        ("temp/B.MP3", True, ""),
        ("temp/a.mp3", True, ""),
        ("temp/a.pcm", False, ""),
    ]
    assert bucket.began == {"temp/a.mp3": 1, "temp/B.MP3": 1}


async def test_an_object_that_ends_early_is_asked_for_again_and_never_believed() -> None:
    short = Made(len(WHOLE), lambda: iter([WHOLE[:-1]]))
    bucket = Streaming({"temp/a.mp3": short})
    with pytest.raises(StorageUnavailableError, match=r"it ended after 479,999 of 480,000 bytes"):
        await audio_of(bucket, AudioOf(SETTING, "temp/a.mp3"))
    assert bucket.began["temp/a.mp3"] == 2
    bucket.before = lambda key: bucket.made.update({key: Made.of(WHOLE)}) if bucket.began[key] == 4 else None
    assert (await audio_of(bucket, AudioOf(SETTING, "temp/a.mp3")))["frames"] == 1250


async def test_an_object_that_cannot_be_read_costs_no_other() -> None:
    bucket = Streaming({f"temp/{name}.mp3": Made.of(WHOLE) for name in "abcd"})

    def before(key: str) -> None:
        if key == "temp/b.mp3":
            raise StorageRefusedError("storage answered 403")
        if key == "temp/c.mp3":
            bucket.made[key] = Made.of(WHOLE, "2")
        if key == "temp/d.mp3":
            del bucket.made[key]

    bucket.before = before
    memory = Remembering()
    found = await audio_under(bucket, UNDER, memory)
    assert [(one.audio is None, one.unread) for one in found] == [
        (False, ""),
        (True, "storage answered 403"),
        (True, "it was written again while it was read"),
        (True, "it was there when it was listed, and gone when it was read"),
    ]
    assert {(key, version) for _, key, version in memory.kept} == {("temp/a.mp3", "1"), ("temp/c.mp3", "2")}


async def test_what_is_remembered_is_not_read_again_unless_it_was_written_again() -> None:
    bucket, memory = Streaming({f"temp/{name}.mp3": Made.of(WHOLE) for name in "ab"}), Remembering()
    first = await audio_under(bucket, UNDER, memory)
    assert await audio_under(bucket, UNDER, memory) == first
    assert bucket.began == {"temp/a.mp3": 1, "temp/b.mp3": 1}
    bucket.made["temp/a.mp3"] = Made.of(mp3(24).data(), "2")
    [changed, same] = await audio_under(bucket, UNDER, memory)
    assert (changed.audio and changed.audio["frames"], same) == (0, first[1])
    assert bucket.began == {"temp/a.mp3": 2, "temp/b.mp3": 1}
    assert isinstance(same, AudioFound)


async def test_a_large_object_passes_by_in_the_memory_of_a_few_pieces() -> None:
    piece = mp3(24_000).data()
    pieces = 400
    assert len(piece) % FRAME == 0

    def endless() -> Iterator[bytes]:
        for _ in range(pieces):
            yield bytes(bytearray(piece))

    bucket = Streaming({"temp/a.mp3": Made(pieces * len(piece), endless)})
    await audio_of(Streaming({"a": Made.of(WHOLE)}), AudioOf(SETTING, "a"))  # what is made once is made
    tracemalloc.start()
    try:
        found = await audio_of(bucket, AudioOf(SETTING, "temp/a.mp3"))
        most = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert (found["frames"], found["ms"], found["stray"]) == (pieces * 1000, pieces * 24_000, 0)
    assert most < 4 * MEGABYTE
