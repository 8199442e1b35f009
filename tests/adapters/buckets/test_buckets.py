"""What a bucket answers, on real servers: the same, whatever keeps it."""

import gzip
import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest

from adapters.buckets.bucket import Bucket
from adapters.buckets.connections import BucketConnection, ContainerConnection, FolderConnection, S3Connection
from adapters.buckets.listing import check, objects, paths
from adapters.buckets.opening import open_bucket
from adapters.buckets.sqlite_rows import Limits, sqlite_rows
from reconciliation.errors import ListingError, StorageRefusedError, TooLargeError
from reconciliation.lookups import SqliteRows
from reconciliation.queries import Prefixes
from reconciliation.times import from_text
from tests.adapters.buckets.conftest import IN_THE_NETWORK, PATIENCE, SETTING, Kept, Server, connection_to

NESTED = ["a-b", "a.txt", "a/1/x", "a/1/y/z", "a/2", "b/", "b/3/x", "c//d", "top", "z/9/x"]
ODD = [
    "a b/c d",
    "a+b/c+d",
    "a%20b/%2B",
    "a&b/<c>",
    "quote'\"",
    "semi;colon=x?y#z",
    "tilde~(1)*!",
    "zöë/ñ",
    "日本/語",
    "😀/1",
]


async def fill(kept: Kept, keys: list[str]) -> list[str]:
    """Those of the keys that there can be, with something in them."""
    is_folder = isinstance(kept.connection, FolderConnection)
    possible = [key for key in keys if not is_folder or all(key.split("/"))]
    for key in possible:
        await kept.put(key, key.encode())
    return possible


async def listed(kept: Kept, prefix: str = "", size: int = 1000) -> list[str]:
    return [one.key for one in await objects(kept.bucket, prefix, size)]


async def walked(kept: Kept, root: str = "", depth: int = 1, size: int = 1000) -> list[str]:
    portions = [portion async for portion in paths(kept.bucket, Prefixes(root, depth), size)]
    assert all(portions)
    return [name for portion in portions for name in portion]


def expected(keys: list[str], root: str, depth: int) -> list[str]:
    """By the words of ``Prefixes``, from all keys."""
    found = set()
    for key in keys:
        if key.startswith(root):
            parts = key.removeprefix(root).split("/")
            found.add(root + "".join(f"{part}/" for part in parts[:depth]) if len(parts) > depth else key)
    return sorted(found)


async def test_an_empty_bucket_has_nothing(kept: Kept) -> None:
    await check(kept.bucket)
    assert await objects(kept.bucket, "") == []
    assert await walked(kept) == []


async def test_an_object_is_told_with_its_size_its_last_change_and_a_version_that_changes_with_it(kept: Kept) -> None:
    before = datetime.now(UTC) - timedelta(seconds=2)
    await fill(kept, ["one"])
    [first] = await objects(kept.bucket, "")
    assert (first.key, first.size, first.changed[-1]) == ("one", 3, "Z")
    assert before <= from_text(first.changed) <= datetime.now(UTC) + timedelta(seconds=2)
    assert first.version
    assert '"' not in first.version
    await kept.put("one", b"another")
    [second] = await objects(kept.bucket, "one")
    assert (second.size, second.version == first.version) == (7, False)


@pytest.mark.parametrize("size", [1, 2, 3, 1000])
async def test_all_pages_are_read_whatever_their_size(kept: Kept, size: int) -> None:
    keys = await fill(kept, NESTED)
    assert await listed(kept, size=size) == keys
    assert await listed(kept, "a/", size=size) == ["a/1/x", "a/1/y/z", "a/2"]
    assert await listed(kept, "nothing", size=size) == []
    for root, depth in (("", 1), ("", 2), ("", 3), ("", 9), ("a/", 1), ("a/", 2), ("b/", 1), ("none/", 2)):
        assert await walked(kept, root, depth, size) == expected(keys, root, depth), (root, depth)


def test_what_folders_are_is_said_by_hand_as_well() -> None:
    assert expected(NESTED, "", 1) == ["a-b", "a.txt", "a/", "b/", "c/", "top", "z/"]
    assert expected(NESTED, "", 2) == ["a-b", "a.txt", "a/1/", "a/2", "b/", "b/3/", "c//", "top", "z/9/"]


async def test_keys_of_any_characters_come_as_they_are(kept: Kept) -> None:
    await fill(kept, ODD)
    assert await listed(kept, size=2) == sorted(ODD)
    assert await walked(kept, size=2) == expected(ODD, "", 1)
    for key in ODD:
        assert [one.key for one in await objects(kept.bucket, key)] == [key]
        async with kept.bucket.download(key) as download:
            assert download is not None
            assert b"".join([piece async for piece in download.pieces]) == key.encode()


async def test_a_listing_in_the_order_of_utf_16_is_not_taken_for_one_that_ascends(kept: Kept) -> None:
    await fill(kept, ["\uffee", "😀"])
    if not isinstance(kept.connection, ContainerConnection):
        assert await listed(kept) == ["\uffee", "😀"]
    else:
        with pytest.raises(ListingError, match="do not ascend"):
            await listed(kept)


async def test_the_clock_of_the_server_is_that_of_this_machine(kept: Kept) -> None:
    assert abs(await kept.bucket.clock_ahead()) < timedelta(minutes=1)


# --- what is refused --------------------------------------------------------------------------------------------------


async def refusal(connection: BucketConnection) -> str:
    bucket: Bucket = open_bucket(connection, PATIENCE)
    with pytest.raises(StorageRefusedError) as caught:
        await objects(bucket, "")
    with pytest.raises(StorageRefusedError):
        await sqlite_rows(bucket, SqliteRows(SETTING, "any", ()))
    with pytest.raises(StorageRefusedError):
        await bucket.clock_ahead()
    await bucket.close()
    return str(caught.value)


@IN_THE_NETWORK
async def test_a_bucket_that_is_not_there_is_refused_and_not_empty(server: Server) -> None:
    told = await refusal(connection_to(server, f"nobody-{uuid4()}"))
    assert "There is no such" in told
    assert SETTING in told


@IN_THE_NETWORK
async def test_a_wrong_secret_is_refused_and_not_told(kept: Kept) -> None:
    secret = "d3Jvbmcta2V5LXdyb25nLWtleS13cm9uZy1rZXk="
    connection = kept.connection
    if isinstance(connection, S3Connection):
        assert connection.key is not None
        told = await refusal(S3Connection(**{**vars(connection), "key": (connection.key[0], secret)}))
        assert f"{SETTING}__secretAccessKey" in told
    else:
        assert isinstance(connection, ContainerConnection)
        storage = type(connection.storage)(**{**vars(connection.storage), "key": secret})
        told = await refusal(type(connection)(storage, connection.container))
        assert f"account key in {SETTING}" in told
    assert "403" in told
    assert secret not in told


# --- a database in it -------------------------------------------------------------------------------------------------

STATEMENTS = (
    "select id, name, weight, data from items order by id",
    "select * from elsewhere",
    "select colour from items",
    "select count(*) from items",
)


@pytest.fixture
def database(tmp_path: Path) -> bytes:
    path = tmp_path / "made"
    with sqlite3.connect(path) as connection:
        connection.execute("create table items (id integer primary key, name text, weight real, data blob)")
        connection.execute("insert into items values (1, 'ü\nx', 0.5, x'00ff'), (2, null, 9e999, null)")
    connection.close()
    return path.read_bytes()


async def ask(kept: Kept, key: str = "d/db.sqlite.gz", limits: Limits | None = None) -> dict[str, object]:
    return {**await sqlite_rows(kept.bucket, SqliteRows(SETTING, key, STATEMENTS), limits)}


async def test_the_rows_of_a_database_come_as_json_has_them(kept: Kept, database: bytes) -> None:
    await kept.put("d/db.sqlite.gz", gzip.compress(database))
    [stored] = await objects(kept.bucket, "d/")
    assert await ask(kept) == {
        "state": "read",
        "why": "",
        "version": stored.version,
        "rows": [[[1, "ü\nx", 0.5, None], [2, None, None, None]], None, None, [[2]]],
    }


async def test_a_database_that_is_not_there_is_missing(kept: Kept) -> None:
    assert await ask(kept) == {"state": "missing", "why": "", "version": "", "rows": []}


def damaged(database: bytes) -> dict[str, tuple[bytes, str]]:
    packed = gzip.compress(database)
    return {
        "cut short": (packed[:-100], "cut short"),
        "not packed": (database, "no gzip file"),
        "empty": (b"", "holds nothing"),
        "of nothing": (gzip.compress(b""), "holds nothing"),
        "spoilt": (packed[:40] + bytes(20) + packed[60:], "no gzip file"),
        "no database": (gzip.compress(b"hello " * 1000), "not a database"),
        "a page too few": (gzip.compress(database[:-4096]), "malformed"),
    }


@pytest.mark.parametrize("how", damaged(b""))
async def test_a_damaged_database_says_why(kept: Kept, database: bytes, how: str) -> None:
    data, why = damaged(database)[how]
    await kept.put("d/db.sqlite.gz", data)
    [stored] = await objects(kept.bucket, "d/")
    answer = await ask(kept)
    assert (answer["state"], answer["version"], answer["rows"]) == ("damaged", stored.version, [])
    assert why in str(answer["why"])


@pytest.mark.parametrize(
    ("limits", "why"),
    [
        (Limits(packed=100), "no more than 100 are read"),
        (Limits(unpacked=5000), "unpacks to more than 5,000 bytes"),
        (Limits(rows=1), "more than 1 rows"),
    ],
    ids=["packed", "unpacked", "rows"],
)
async def test_what_is_too_large_to_be_checked_is_an_error_that_says_so(
    kept: Kept, database: bytes, limits: Limits, why: str
) -> None:
    await kept.put("d/db.sqlite.gz", gzip.compress(database))
    with pytest.raises(TooLargeError, match=why):
        await ask(kept, limits=limits)


async def test_no_statement_runs_for_ever(kept: Kept, database: bytes) -> None:
    await kept.put("db", gzip.compress(database))
    endless = "with recursive n(i) as (select 1 union all select i + 1 from n) select count(*) from n"
    with pytest.raises(TooLargeError, match=r"longer than 0\.1 s"):
        await sqlite_rows(kept.bucket, SqliteRows(SETTING, "db", (endless,)), Limits(seconds=0.1))
