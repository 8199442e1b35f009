import pytest

from adapters.store.blobs import BlobStore
from adapters.store.run_store import RunStore
from reconciliation.errors import DatabaseUnavailableError, RunStoreError
from tests.adapters.store.portions import AUDIT, broken_off, flat, paths, stream

# The vendor's client sends blocks of 4 MB, for which aiohttp recommends another type.
pytestmark = pytest.mark.filterwarnings("ignore:Sending a large body directly:ResourceWarning")


@pytest.mark.parametrize(("form", "name"), [("json", "report.json"), ("csv", "findings.csv"), ("html", "report.html")])
async def test_each_form_of_the_report_has_its_file(store: RunStore, blobs: BlobStore, form: str, name: str) -> None:
    assert await store.reports.report(AUDIT, form) is None
    await store.reports.write(AUDIT, form, stream("ü".encode(), b"", b"ber"))
    assert await store.reports.report(AUDIT, form) == "über".encode()
    assert await paths(blobs) == [name]


@pytest.mark.parametrize("before", [b"[", b"x" * 9_000_000], ids=["at once", "after 9 MB"])
async def test_a_report_that_breaks_off_is_not_there_and_leaves_an_old_one_alone(
    store: RunStore, before: bytes
) -> None:
    for there in (None, b"the first"):
        with pytest.raises(DatabaseUnavailableError, match="broke off"):
            await store.reports.write(AUDIT, "json", broken_off(before))
        assert await store.reports.report(AUDIT, "json") == there
        await store.reports.write(AUDIT, "json", stream(b"the first"))


async def test_a_reports_lines_come_in_portions_each_once_and_whole(store: RunStore) -> None:
    lines = [f"{n:06} ü\u2028\x85\r {'x' * (n % 200)}" for n in range(80_000)]
    data = "".join(f"{line}\n" for line in lines).encode()
    assert len(data) > 8 * 1024 * 1024
    chunks = [data[at : at + 1_000_003] for at in range(0, len(data), 1_000_003)]
    await store.reports.write(AUDIT, "json", stream(*chunks))
    portions = [portion async for portion in store.reports.lines(AUDIT)]
    assert len(portions) > 1
    assert [line for portion in portions for line in portion] == lines


async def test_a_report_that_was_never_written_has_no_lines_but_an_error(store: RunStore) -> None:
    with pytest.raises(RunStoreError, match=rf"no {AUDIT}/report\.json in container .* Start a new audit"):
        await flat(store.reports.lines(AUDIT))


async def test_a_report_is_of_one_attempt(store: RunStore, blobs: BlobStore) -> None:
    for told, attempt in (((), "0.0"), (("1.0",), "1.0")):
        await store.reports.write(AUDIT, "json", stream(b"{}"), *told)
        assert await blobs.metadata(f"{AUDIT}/report.json") == {"attempt": attempt}
