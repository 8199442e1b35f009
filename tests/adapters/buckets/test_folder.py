"""A folder that is used as a bucket: what a file system has and storage has not, and what looks like nothing there."""

import errno
import os
import shutil
import tracemalloc
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from adapters.buckets import folder as module
from adapters.buckets.connections import in_folder
from adapters.buckets.create_only import PROOF, prove_create_only
from adapters.buckets.folder import FolderBucket
from adapters.buckets.listing import check, objects, paths
from adapters.settings import load_settings
from reconciliation.errors import ListingError, SettingsError, StorageRefusedError, StorageUnavailableError
from reconciliation.queries import Prefixes
from tests.adapters.buckets.conftest import PATIENCE, SETTING
from tests.adapters.buckets.test_connections import ACCOUNT, BASE, WHOLE, connection, problems

MEGABYTE = 1024 * 1024


@pytest.fixture
def root(tmp_path: Path) -> Path:
    made = tmp_path / "share"
    (made / "m").mkdir(parents=True)
    (made / "m" / "1.mp3").write_bytes(b"one")
    return made


@pytest.fixture
async def bucket(root: Path) -> AsyncIterator[FolderBucket]:
    made = FolderBucket(in_folder(SETTING, str(root)), PATIENCE)
    yield made
    await made.close()


async def given(data: bytes) -> AsyncIterator[bytes]:
    yield data


async def keys(bucket: FolderBucket, prefix: str = "") -> list[str]:
    return [one.key for one in await objects(bucket, prefix)]


# --- what is not there ------------------------------------------------------------------------------------------------


async def test_a_folder_that_is_not_there_is_no_empty_bucket(bucket: FolderBucket, root: Path) -> None:
    (root / "m" / "1.mp3").unlink()
    (root / "m").rmdir()
    for refused in (StorageRefusedError, SettingsError):
        for asked in (check(bucket), objects(bucket, "m/"), bucket.create("k", given(b"x"), 1)):
            with pytest.raises(refused, match=f"{SETTING}__folder"):
                await asked
        with pytest.raises(refused):
            async with bucket.download("m/1.mp3"):
                raise AssertionError
        shutil.rmtree(root, ignore_errors=True)
    (root / "any").mkdir(parents=True)
    assert await keys(bucket) == []


async def test_a_share_that_is_mounted_while_it_is_listed_is_another_one(bucket: FolderBucket, root: Path) -> None:
    (root / "m" / "2.mp3").touch()
    first = await bucket.page("", by_folder=False, size=1)
    assert first.token is not None
    shutil.move(root, root.with_name("before"))
    (root / "m").mkdir(parents=True)
    with pytest.raises(StorageRefusedError, match="another share"):
        await bucket.page("", by_folder=False, size=1, token=first.token)


# --- what is no file --------------------------------------------------------------------------------------------------


async def test_links_are_refused_wherever_they_lead(bucket: FolderBucket, root: Path, tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "secret").write_bytes(b"secret")
    (root / "folder").symlink_to(tmp_path / "outside")
    (root / "m" / "file").symlink_to(tmp_path / "outside" / "secret")
    for key in ("folder/secret", "m/file"):
        with pytest.raises(StorageRefusedError, match="a link"):
            async with bucket.download(key):
                raise AssertionError
    with pytest.raises(StorageRefusedError, match="a link"):
        await bucket.create("folder/new", given(b"x"), 1)
    for prefix in ("", "m/", "folder/"):
        with pytest.raises(StorageRefusedError, match="a link"):
            await objects(bucket, prefix)
    assert [one.name for one in (tmp_path / "outside").iterdir()] == ["secret"]


@pytest.mark.parametrize("key", ["../outside", "/etc/passwd", "m/../m/1.mp3", "./m/1.mp3", "m//1.mp3", "m/", "", "m\0"])
async def test_no_key_leads_out_of_the_folder(bucket: FolderBucket, root: Path, key: str) -> None:
    (root.parent / "outside").write_bytes(b"secret")
    async with bucket.download(key) as download:
        assert download is None
    with pytest.raises(StorageRefusedError, match="cannot be the path"):
        await bucket.create(key, given(b"x"), 1)
    assert await bucket.remove(key, "any") is False
    assert set(await keys(bucket, key)) <= {"m/1.mp3"}
    assert sorted(one.name for one in root.parent.iterdir()) == ["outside", "share"]


async def test_what_is_neither_file_nor_folder_is_no_object(bucket: FolderBucket, root: Path) -> None:
    os.mkfifo(root / "m" / "pipe")
    (root / "none" / "in it").mkdir(parents=True)
    assert await keys(bucket) == ["m/1.mp3"]
    assert [one async for one in paths(bucket, Prefixes())] == [["m/"]]
    async with bucket.download("m/pipe") as download:
        assert download is None
    async with bucket.download("m") as download:
        assert download is None


async def test_a_name_that_no_key_can_be_ends_the_listing(bucket: FolderBucket, root: Path) -> None:
    os.mkfifo(os.fsencode(root) + b"/\xff")
    with pytest.raises(ListingError, match="not UTF-8"):
        await objects(bucket, "")


async def test_a_file_that_grows_while_it_is_read_is_not_taken_for_whole(bucket: FolderBucket, root: Path) -> None:
    path = root / "m" / "1.mp3"
    path.write_bytes(bytes(3 * MEGABYTE))
    async with bucket.download("m/1.mp3") as download:
        assert download is not None
        await anext(download.pieces)
        with path.open("ab") as file:
            file.write(b"more")
        with pytest.raises(StorageUnavailableError, match="changed while it was read"):
            _ = [piece async for piece in download.pieces]


# --- writing ----------------------------------------------------------------------------------------------------------


async def test_what_is_being_written_is_no_object_and_is_gone_when_it_fails(bucket: FolderBucket, root: Path) -> None:
    async def looking() -> AsyncIterator[bytes]:
        yield b"half"
        assert await keys(bucket) == ["m/1.mp3"]
        [unfinished] = [one.name for one in (root / "rescue").iterdir()]
        async with bucket.download(f"rescue/{unfinished}") as download:
            assert download is None
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await bucket.create("rescue/1.mp3", looking(), 8)
    assert list((root / "rescue").iterdir()) == []


async def test_what_a_killed_process_has_left_behind_is_cleared_away_a_day_later(
    bucket: FolderBucket, root: Path
) -> None:
    (root / "rescue").mkdir()
    for name, age in ((".capture-audit-old.part", 90_000), (".capture-audit-new.part", 0), ("mine.part", 90_000)):
        path = root / "rescue" / name
        path.touch()
        os.utime(path, (path.stat().st_atime - age, path.stat().st_mtime - age))
    await bucket.create("rescue/1.mp3", given(b"x"), 1)
    assert sorted(one.name for one in (root / "rescue").iterdir()) == [
        ".capture-audit-new.part",
        "1.mp3",
        "mine.part",
    ]


async def test_a_file_system_without_hard_links_is_refused_by_the_proof(
    bucket: FolderBucket, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise OSError(errno.EOPNOTSUPP, "Operation not supported")

    monkeypatch.setattr(os, "link", refuse)
    with pytest.raises(StorageRefusedError, match="hard links"):
        await prove_create_only(bucket)
    assert list((root / PROOF).parent.iterdir()) == []


# --- many files -------------------------------------------------------------------------------------------------------


async def test_a_folder_of_more_files_than_are_sorted_at_once_is_listed_in_flat_memory(
    bucket: FolderBucket, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_AT_ONCE", 50)
    names = [f"m/{number:05}-with-a-name-of-some-length.mp3" for number in range(2_000)]
    for name in names:
        (root / name).touch()
    assert await keys(bucket) == [*names, "m/1.mp3"]
    tracemalloc.start()
    try:
        token, count = None, 0
        while True:
            page = await bucket.page("m/", by_folder=False, size=20, token=token)
            count, token = count + len(page.objects), page.token
            if token is None:
                break
        assert (count, tracemalloc.get_traced_memory()[1] < MEGABYTE) == (len(names) + 1, True)
    finally:
        tracemalloc.stop()


async def test_a_listing_that_somebody_else_goes_on_with_goes_on_behind_its_last_name(
    bucket: FolderBucket, root: Path
) -> None:
    for name in ("a-b", "a/1/x", "a/2", "a.txt", "b"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    for by_folder, expected in (
        (False, ["a-b", "a.txt", "a/1/x", "a/2", "b", "m/1.mp3"]),
        (True, ["a-b", "a.txt", "a/", "b", "m/"]),
    ):
        found, token = list[str](), None
        while True:
            another = FolderBucket(in_folder(SETTING, str(root)))
            page = await another.page("", by_folder=by_folder, size=1, token=token)
            found += [*(one.key for one in page.objects), *page.folders]
            token = page.token
            if token is None:
                break
        assert found == expected


# --- its setting ------------------------------------------------------------------------------------------------------


def test_a_folder_is_given_by_its_absolute_path() -> None:
    found = connection({f"{SETTING}__folder": "/mounts/recordings/"})
    assert found == in_folder(SETTING, "/mounts/recordings")
    assert isinstance(found, type(in_folder(SETTING, "/x")))
    assert found.place == "/mounts/recordings"


@pytest.mark.parametrize("path", ["/", "mounts/x", "/mounts/../x", "/mounts/./x", "/mounts//x", "~/x", "/a\tb"])
def test_what_is_no_absolute_path_is_not_usable(path: str) -> None:
    assert f"{SETTING}__folder is not usable" in problems({f"{SETTING}__folder": path})


@pytest.mark.parametrize("beside", [{SETTING: WHOLE}, {SETTING: ACCOUNT, f"{SETTING}__container": "things"}])
def test_a_folder_has_no_other_bucket_beside_it(beside: dict[str, str]) -> None:
    assert "give one of them" in problems({f"{SETTING}__folder": "/mounts/x", **beside})


def test_reports_name_it_by_its_path() -> None:
    settings = load_settings({**BASE, f"{SETTING}__folder": "/mounts/recordings"})
    assert list(settings.connections) == [SETTING]
