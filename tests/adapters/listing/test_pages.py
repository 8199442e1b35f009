import re
from collections.abc import Callable
from datetime import UTC, datetime
from urllib.parse import quote
from xml.sax.saxutils import escape

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.listing import pages
from adapters.listing.pages import parse_blobs, parse_containers
from adapters.store.jsonl import pack, unpack
from dev.devstack.storage_stub.pages import BlobEntry, blob_page, container_page
from profiles.pre_capture_sessions.evidence import ContainerEvidence, read_evidence
from profiles.pre_capture_sessions.keys import MATTERING_SUFFIXES
from reconciliation.errors import ListingError
from reconciliation.evidence import Read, record_from_json, record_to_json
from reconciliation.lookups import ALL, can_be_a_container
from reconciliation.times import from_stamp

MODIFIED = "Fri, 20 Mar 2026 09:30:00 GMT"
LATER = "Sat, 21 Mar 2026 09:30:00 GMT"
# Every character that a blob's name may hold, those that XML cannot carry included; lone surrogates are not text.
NAMES = st.builds(
    str.__add__,
    st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=30),
    st.sampled_from(["", ".mp4", ".ism", ".MP4", ".txt", " .mp4 "]),
)
ENTRIES = st.lists(st.builds(BlobEntry, NAMES, st.integers(0, 2**50), st.sampled_from([MODIFIED, LATER])), max_size=8)


@given(ENTRIES, st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=20))
def test_a_page_gives_back_what_was_put_in_it(entries: list[BlobEntry], marker: str) -> None:
    page = parse_blobs(blob_page(entries, marker), keep=MATTERING_SUFFIXES)
    assert page.marker == (marker or None)
    assert page.blobs.total == len(entries)
    kept = [(blob.name, blob.size) for blob in page.blobs.kept]
    assert kept == [(entry.name, entry.size) for entry in entries if entry.name.lower().endswith(MATTERING_SUFFIXES)]
    everything = parse_blobs(blob_page(entries, marker)).blobs.kept
    assert [(blob.name, blob.size) for blob in everything] == [(entry.name, entry.size) for entry in entries]
    stamps = {MODIFIED: "2026-03-20 09:30:00", LATER: "2026-03-21 09:30:00"}
    assert page.blobs.changes == [stamps[entry.modified] for entry in entries]
    assert {blob.last_modified for blob in everything} == {*map(from_stamp, page.blobs.changes)}


@given(ENTRIES)
def test_the_quick_way_and_the_xml_parser_agree(entries: list[BlobEntry]) -> None:
    page = blob_page(entries, "")
    # An entity anywhere sends the page to the XML parser; a comment's worth of it changes nothing else.
    by_parser = page.replace(b'ServiceEndpoint="http://127.0.0.1/"', b'ServiceEndpoint="http://127.0.0.1/?a&amp;b"')
    for keep in (ALL, MATTERING_SUFFIXES):
        assert parse_blobs(page, keep=keep) == parse_blobs(by_parser, keep=keep)


def row(name: str, versioned: bool, created: bool, kind: str, rest: str) -> str:
    """A blob with what only some accounts or versions of the service tell."""
    version = "<VersionId>2026-09-05T11:30:54.6611310Z</VersionId><IsCurrentVersion>true</IsCurrentVersion>"
    return (
        f"<Blob><Name>{name}</Name>{version * versioned}<Properties>"
        f"{f'<Creation-Time>{MODIFIED}</Creation-Time>' * created}<Last-Modified>{LATER}</Last-Modified>"
        f"<Etag>0x8D</Etag>{kind and f'<ResourceType>{kind}</ResourceType>'}<Content-Length>7</Content-Length>{rest}"
    )


RESTS = ("", "<OrMetadata />", "<OrMetadata><or-a_b>complete</or-a_b></OrMetadata>")
ROWS = st.builds(
    row,
    st.sampled_from(["a.mp4", "b.ism", "c.ts"]),
    st.booleans(),
    st.booleans(),
    st.sampled_from(["", "file"]),
    st.sampled_from([f"<LeaseState>available</LeaseState></Properties>{rest}</Blob>" for rest in RESTS]),
)


@given(st.lists(ROWS, min_size=1, max_size=6), st.data())
def test_rows_of_different_forms_on_one_page_are_all_read(rows: list[str], data: st.DataObject) -> None:
    page = HEAD + f"<EnumerationResults><Blobs>{''.join(rows)}</Blobs><NextMarker /></EnumerationResults>"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pages, "_parsed", lambda *_: pytest.fail("the XML parser was asked"))
        quick = parse_blobs(page.encode())
    assert quick.blobs.total == len(rows)
    assert quick == parse_blobs(page.replace("><", "> <").encode())
    folder = row("d.mp4", versioned=False, created=True, kind="directory", rest="</Properties></Blob>")
    hidden = data.draw(st.sampled_from([folder, f" {folder}", folder.replace("<Blob>", "<Blob >")]))
    at = data.draw(st.integers(0, len(rows)))
    with_folder = page.replace("".join(rows), "".join([*rows[:at], hidden, *rows[at:]]))
    assert parse_blobs(with_folder.encode()) == quick
    one_more = parse_blobs(with_folder.replace(">directory<", ">file<").encode())
    assert one_more.blobs.total == len(rows) + 1


@given(st.lists(st.from_regex(r"[$a-z0-9][a-z0-9-]{2,62}", fullmatch=True), max_size=20), st.sampled_from(["", "next"]))
def test_container_names_come_in_the_order_of_the_page(names: list[str], marker: str) -> None:
    page = parse_containers(container_page(names, MODIFIED, marker))
    assert page.names == names
    assert page.marker == (marker or None)


def test_an_empty_account_and_an_empty_container_are_no_error() -> None:
    assert parse_containers(container_page([], MODIFIED, "")).names == []
    assert parse_blobs(blob_page([], "")).blobs == (0, [], [])


@pytest.mark.parametrize("cut", [0, 1, 30, 200, -1, -10])
def test_a_page_that_was_cut_short_is_refused(cut: int) -> None:
    page = blob_page([BlobEntry("a.mp4", 1, MODIFIED), BlobEntry("b.mp4", 2, MODIFIED)], "")
    with pytest.raises(ListingError):
        parse_blobs(page[:cut])


@pytest.mark.parametrize(
    ("what", "old", "new"),
    [
        ("no date", b"<Last-Modified>", b"<Lost-Modified>"),
        ("a day that does not exist", b"20 Mar", b"32 Mar"),
        ("an hour that does not exist", b"09:30", b"24:30"),
        ("a date of another form", MODIFIED.encode(), b"2026-03-20T09:30:00.0000000Z "),
        ("no size", b"<Content-Length>", b"<Content-Langth>"),
        ("a size that is no number", b"<Content-Length>1<", b"<Content-Length>one<"),
    ],
)
@pytest.mark.parametrize("parser", ["quick", "xml"])
def test_a_blob_that_cannot_be_understood_is_never_passed_over(what: str, old: bytes, new: bytes, parser: str) -> None:
    page = blob_page([BlobEntry("a.mp4", 1, MODIFIED)], "").replace(old, new)
    if parser == "xml":
        page = page.replace(b'ServiceEndpoint="', b'ServiceEndpoint="&amp;')
    with pytest.raises(ListingError):
        parse_blobs(page)


def test_garbled_xml_is_refused() -> None:
    with pytest.raises(ListingError, match="not XML"):
        parse_blobs(b"<EnumerationResults>&<Blob></EnumerationResults>")


@pytest.mark.parametrize("half", ["first", "second"])
def test_a_damaged_part_of_a_page_is_never_passed_over(half: str) -> None:
    names = ["a.mp4", "b.mp4", "c.mp4", "d.mp4"]
    for page, parse in (
        (container_page(names, MODIFIED, "next"), parse_containers),
        (blob_page([BlobEntry(name, 1, MODIFIED) for name in names], "next"), parse_blobs),
    ):
        middle = len(page) // 2
        first, second = page[:middle], page[middle:]
        if half == "first":
            damaged = first.replace(b">", b"") + second
        else:
            damaged = first + second.replace(b">", b"", second.count(b">") - 1)
        with pytest.raises(ListingError):
            parse(damaged)


def test_names_that_xml_cannot_carry_are_decoded_as_the_service_documents_it() -> None:
    page = (
        '<?xml version="1.0" encoding="utf-8"?><EnumerationResults><Blobs><Blob>'
        '<Name Encoded="true">a%01%EF%BF%BE%20b%25.mp4</Name><Properties>'
        f"<Last-Modified>{MODIFIED}</Last-Modified><Content-Length>7</Content-Length></Properties></Blob></Blobs>"
        "<NextMarker /></EnumerationResults>"
    )
    [blob] = parse_blobs(page.encode()).blobs.kept
    assert blob.name == "a\x01￾ b%.mp4"


# --- only the element that was asked for is an answer -----------------------------------------------------------------

HEAD = '<?xml version="1.0" encoding="utf-8"?>'
TWO_BLOBS = blob_page([BlobEntry("a.mp4", 1, MODIFIED), BlobEntry("b.ism", 2, LATER)], "next").decode()
TWO_CONTAINERS = container_page(["first-one", "second-one"], MODIFIED, "next").decode()


def results(inside: str) -> str:
    return f"{HEAD}<EnumerationResults>{inside}</EnumerationResults>"


NO_ANSWERS = {
    "nothing": "",
    "blank": " \n",
    "html": "<!DOCTYPE html><html><body>Sign in to the network</body></html>",
    "json": '{"error": {"code": "ServerBusy"}}',
    "an error with status 200": f"{HEAD}<Error><Code>ServerBusy</Code><Message>Busy.</Message></Error>",
    "a bare root": results(""),
    "a bare root, closed at once": f"{HEAD}<EnumerationResults />",
    "only a marker": results("<NextMarker />"),
    "another root": f"{HEAD}<Results><Blobs /><Containers /><NextMarker /></Results>",
    "a root inside a root": f"{HEAD}<a><EnumerationResults><Blobs /><NextMarker /></EnumerationResults></a>",
    "a namespace": f'{HEAD}<EnumerationResults xmlns="urn:x"><Blobs /><NextMarker /></EnumerationResults>',
    "both kinds": results("<Blobs /><Containers><Container /></Containers><NextMarker />"),
    "lower case": TWO_BLOBS.lower().replace("enumerationresults", "EnumerationResults"),
    "two of them": TWO_BLOBS.replace("<NextMarker>", "<Blobs /><NextMarker>"),
    "no marker": results("<Blobs />"),
    "two markers": results("<Blobs /><NextMarker /><NextMarker>b</NextMarker>"),
    "a marker among the rows": TWO_BLOBS.replace(
        "</Blobs><NextMarker>next</NextMarker>", "<NextMarker>next</NextMarker></Blobs>"
    ),
    "a marker with a tail of its own": results("<Blobs /><NextMarker>a<b />c</NextMarker>"),
    "rows of the other kind": TWO_BLOBS.replace("Blob>", "Container>"),
    "rows of the other kind in their own element": TWO_CONTAINERS.replace("Containers>", "Blobs>"),
    "rows that were escaped once too often": results("<Blobs>&lt;Blob>&lt;/Blob></Blobs><NextMarker />"),
    "rows outside": TWO_BLOBS.replace("<Blobs>", "<Blobs /><Other>").replace("</Blobs>", "</Other>"),
    "a prefix that nobody asked for": results("<Prefix>7f</Prefix><Blobs /><NextMarker />"),
    "a hierarchy that nobody asked for": TWO_BLOBS.replace("<Blob>", "<BlobPrefix>", 1).replace(
        "</Blob>", "</BlobPrefix>", 1
    ),
    "entities of its own": results("<Blobs /><NextMarker>&e;</NextMarker>").replace(
        HEAD, '<!DOCTYPE E [<!ENTITY e "x">]>'
    ),
    "a name with an element inside": TWO_BLOBS.replace("a.mp4", "a<b/>.mp4"),
    "two names in one row": TWO_BLOBS.replace("<Name>a.mp4</Name>", "<Name>a.mp4</Name><Name>b.mp4</Name>"),
    "a size below nothing": TWO_BLOBS.replace("<Content-Length>1<", "<Content-Length>-1<"),
    "a size in another script": TWO_BLOBS.replace("<Content-Length>1<", "<Content-Length>\N{ARABIC-INDIC DIGIT ONE}<"),
    "an encoding of names that is not known": TWO_BLOBS.replace("<Name>a", '<Name Encoded="base64">a'),
    "an encoded name that is no text": TWO_BLOBS.replace("<Name>a", '<Name Encoded="true">%FF'),
}


@pytest.mark.parametrize("page", NO_ANSWERS.values(), ids=NO_ANSWERS.keys())
def test_what_is_no_listing_of_blobs_is_never_an_empty_one(page: str) -> None:
    with pytest.raises(ListingError):
        parse_blobs(page.encode())


@pytest.mark.parametrize("page", NO_ANSWERS.values(), ids=NO_ANSWERS.keys())
def test_what_is_no_listing_of_containers_is_never_an_empty_one(page: str) -> None:
    turned = page.replace("Blob", "?").replace("Container", "Blob").replace("?", "Container")
    if "Content-Length" not in page and "Encoded" not in page:
        with pytest.raises(ListingError):
            parse_containers(turned.encode())


def test_a_listing_of_the_other_kind_is_no_answer() -> None:
    for blobs in ([], [BlobEntry("a.mp4", 1, MODIFIED)]):
        with pytest.raises(ListingError):
            parse_containers(blob_page(blobs, ""))
    for names in ([], ["first-one"]):
        with pytest.raises(ListingError):
            parse_blobs(container_page(names, MODIFIED, ""))


@pytest.mark.parametrize("empty", ["<Blobs />", "<Blobs/>", "<Blobs></Blobs>", "<Blobs>\n</Blobs>"])
@pytest.mark.parametrize("last", ["<NextMarker />", "<NextMarker/>", "<NextMarker></NextMarker>"])
@pytest.mark.parametrize("root", ["<EnumerationResults>", '<EnumerationResults ContainerName="c-1"><Prefix/><Marker/>'])
@pytest.mark.parametrize(
    "start", ["", HEAD, f"\ufeff{HEAD}", '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>']
)
def test_an_empty_container_is_taken_in_every_form_that_is_known(start: str, root: str, empty: str, last: str) -> None:
    page = f"{start}{root}{empty}{last}</EnumerationResults>"
    assert parse_blobs(page.encode(), "c-1") == (None, (0, [], []))
    assert parse_containers(page.replace("Blobs", "Containers").encode()) == (None, [])


NAMED = TWO_BLOBS.replace("<EnumerationResults ", '<EnumerationResults ContainerName="c-1" ')


@pytest.mark.parametrize("page", [NAMED, NAMED.replace("<Blob>", " <Blob>")], ids=["quick", "xml"])
def test_a_page_of_another_container_is_no_answer(page: str) -> None:
    assert parse_blobs(page.encode(), "c-1") == parse_blobs(page.encode()) == parse_blobs(TWO_BLOBS.encode(), "c-1")
    with pytest.raises(ListingError, match="of another container"):
        parse_blobs(page.encode(), "c-2")


Change = Callable[[str], str]
ELEMENTS = sorted(set(re.findall(r"<([A-Z][A-Za-z0-9-]*)", TWO_BLOBS + TWO_CONTAINERS)))


def cut(at: int) -> Change:
    return lambda page: page[: at % len(page)]


def renamed(name: str, other: str, first: bool) -> Change:
    """One element, or all of a name, under another."""
    return lambda page: re.sub(
        rf"<(/?){name}(?=[ >/])", rf"<\1{other}", page, count=(1 + (f"</{name}>" in page)) * first
    )


def open_only(name: str, other: str, nth: int) -> Change:
    """One tag of many, so that it ends by another name than it begins with."""

    def change(page: str) -> str:
        tags = list(re.finditer(rf"<(/?){name}(?=[ >/])", page))
        if not tags:
            return page
        tag = tags[nth % len(tags)]
        return page[: tag.start()] + f"<{tag[1]}{other}" + page[tag.end() :]

    return change


def emptied(name: str) -> Change:
    return lambda page: re.sub(rf"<{name}>.*?</{name}>", f"<{name} />", page, count=1)


def dropped(name: str) -> Change:
    return lambda page: re.sub(rf"<{name}>.*?</{name}>|<{name} />", "", page, count=1)


def swapped(one: str, other: str) -> Change:
    return lambda page: renamed("X-X", other, False)(renamed(other, one, False)(renamed(one, "X-X", False)(page)))


NAMES_OF_ELEMENTS = st.sampled_from(ELEMENTS)
OTHERS = NAMES_OF_ELEMENTS | st.sampled_from(ELEMENTS).map(str.lower) | st.sampled_from(ELEMENTS).map(str.upper)
CHANGES = st.one_of(
    st.builds(cut, st.integers(0, 10_000)),
    st.builds(renamed, NAMES_OF_ELEMENTS, OTHERS, st.booleans()),
    st.builds(open_only, NAMES_OF_ELEMENTS, OTHERS, st.integers(0, 50)),
    st.builds(emptied, NAMES_OF_ELEMENTS.filter(lambda name: name not in {"Blobs", "Containers", "NextMarker"})),
    st.builds(dropped, NAMES_OF_ELEMENTS.filter(lambda name: name not in {"Blob", "Container"})),
    st.builds(swapped, NAMES_OF_ELEMENTS, NAMES_OF_ELEMENTS),
)


@settings(max_examples=1000)
@given(CHANGES, st.integers(1, 4), st.booleans())
def test_a_changed_page_says_the_same_or_is_refused(change: Change, rows: int, quick: bool) -> None:
    blobs = blob_page([BlobEntry(f"{n}.mp4", 1, MODIFIED) for n in range(rows)], "next").decode()
    containers = container_page([f"container-{n}" for n in range(rows)], MODIFIED, "next").decode()
    if not quick:
        blobs, containers = blobs.replace("><", "> <"), containers.replace("><", "> <")
    for page, parse in ((blobs, parse_blobs), (containers, parse_containers)):
        try:
            answer = parse(change(page).encode())
        except ListingError:
            continue
        assert answer == parse(page.encode())


def test_the_quick_way_is_taken_by_what_the_service_and_the_emulator_write(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages, "_parsed", lambda *_: pytest.fail("the XML parser was asked"))
    real = TWO_BLOBS.replace(
        '"><Blobs>', '" ContainerName="c-1"><Marker>2!92!MDAw</Marker><MaxResults>5000</MaxResults><Blobs>'
    )
    versioned = real.replace(
        "</Name>", "</Name><VersionId>2026-09-05T11:30:54.6611310Z</VersionId><IsCurrentVersion>true</IsCurrentVersion>"
    )
    hierarchical = real.replace("</Etag>", "</Etag><ResourceType>file</ResourceType>")
    azurite = TWO_BLOBS.replace('encoding="utf-8"', 'encoding="UTF-8" standalone="yes"').replace(
        "<Blobs>", "<Prefix/><Marker/><MaxResults>1</MaxResults><Blobs>"
    )
    for page in (TWO_BLOBS, azurite):
        of_names = page.replace("<Prefix/>", "").replace("<Name>", "<Name>ü")
        of_names = of_names.replace("<Marker/>", "<Prefix>ü</Prefix><Marker/>")
        assert parse_blobs(of_names.encode(), prefix="ü").blobs.total == 2
    for page in (real, versioned, hierarchical, azurite):
        assert parse_blobs(page.encode()) == parse_blobs(TWO_BLOBS.encode())
    for page in (TWO_CONTAINERS, TWO_CONTAINERS.removeprefix("\ufeff")):
        assert parse_containers(page.encode()).names == ["first-one", "second-one"]


# --- of a part of a container ----------------------------------------------------------------------------------------

PREFIXES = st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\ufffe\uffff"), max_size=9)


def with_prefix(page: bytes, prefix: str) -> bytes:
    """The page as the service answers who asks for a beginning of names."""
    told = f"<Prefix>{escape(prefix)}</Prefix>" if prefix else "<Prefix />"
    return page.replace(b"<Blobs>", f"{told}<Blobs>".encode(), 1)


@pytest.mark.parametrize("space", [b"", b"\n"], ids=["as the service writes it", "xml"])
@given(ENTRIES, PREFIXES, PREFIXES)
def test_a_page_of_the_prefix_that_was_asked_for_is_taken_and_no_other(
    space: bytes, entries: list[BlobEntry], prefix: str, other: str
) -> None:
    named = [entry._replace(name=prefix + entry.name) for entry in entries]
    page = with_prefix(blob_page(named, "next"), prefix).replace(b"<Blob>", space + b"<Blob>")
    assert parse_blobs(page, prefix=prefix) == parse_blobs(blob_page(named, "next"), prefix=prefix)
    if prefix not in {"", other}:
        with pytest.raises(ListingError, match="filtered listing that nobody asked for"):
            parse_blobs(page, prefix=other)


@pytest.mark.parametrize("space", ["", "\n"], ids=["as the service writes it", "xml"])
@pytest.mark.parametrize("prefix", ["", "a"])
def test_blobs_of_other_names_are_no_answer_to_who_asked_for_a_prefix(space: str, prefix: str) -> None:
    page = with_prefix(TWO_BLOBS.encode(), prefix).replace(b"<Blob>", f"{space}<Blob>".encode())
    with pytest.raises(ListingError, match="of other names than were asked for"):
        parse_blobs(page, prefix="a")
    assert parse_blobs(page.replace(b"b.ism", b"a.ism"), prefix="a").blobs.total == 2


def test_a_folder_is_of_no_name_that_could_be_another() -> None:
    page = TWO_BLOBS.replace("</Etag>", "</Etag><ResourceType>directory</ResourceType>")
    assert parse_blobs(page.encode(), prefix="x").blobs.total == 0


@pytest.mark.parametrize("parse", [parse_blobs, parse_containers])
def test_a_prefix_that_is_no_text_is_no_answer(parse: Callable[[bytes], object]) -> None:
    for page in (TWO_BLOBS, TWO_CONTAINERS):
        odd = page.encode().replace(b"<Blobs>", b"<Prefix>\xff</Prefix><Blobs>")
        odd = odd.replace(b"<Containers>", b"<Prefix>\xff</Prefix><Containers>")
        with pytest.raises(ListingError):
            parse(odd)


# --- folders ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("space", ["", "\n"], ids=["as the service writes it", "xml"])
def test_a_folder_of_a_hierarchical_account_is_no_blob(space: str) -> None:
    entries = [BlobEntry("a.mp4", 0, MODIFIED), BlobEntry("b.mp4", 7, MODIFIED), BlobEntry("c.ism", 0, LATER)]
    page = blob_page(entries, "").decode().replace("</Etag>", f"</Etag>{space}<ResourceType>file</ResourceType>")
    for folder in ("a.mp4", "c.ism"):
        before, name, after = page.partition(folder)
        page = before + name + after.replace(">file<", ">directory<", 1)
    read = parse_blobs(page.encode()).blobs
    assert [(blob.name, blob.size) for blob in read.kept] == [("b.mp4", 7)]
    assert read.total == 1


def test_a_resource_of_another_type_is_not_understood() -> None:
    page = TWO_BLOBS.replace("</Etag>", "</Etag><ResourceType>symlink</ResourceType>", 1)
    with pytest.raises(ListingError):
        parse_blobs(page.encode())


# --- names of containers that storage cannot have ---------------------------------------------------------------------


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]), min_size=1), min_size=1, unique=True))
def test_a_container_name_that_cannot_be_is_kept_in_a_form_that_harms_nothing(names: list[str]) -> None:
    rows = "".join(f'<Container><Name Encoded="true">{quote(name)}</Name></Container>' for name in names)
    page = f"<EnumerationResults><Containers>{rows}</Containers><NextMarker /></EnumerationResults>"
    kept = parse_containers(page.encode()).names
    assert len(set(kept)) == len(names)
    for name, shown in zip(names, kept, strict=True):
        assert shown.isascii()
        assert shown.isprintable()
        assert can_be_a_container(shown) <= (shown == name)


@pytest.mark.parametrize(
    "name", ["$root", "$web", "$logs", "abc", "a" * 63, "0-9", "d90d0592-8f7e-50df-93b6-6035b311c9ab"]
)
def test_names_that_storage_can_have(name: str) -> None:
    assert can_be_a_container(name)
    assert parse_containers(container_page([name], MODIFIED, "")).names == [name]


@pytest.mark.parametrize(
    "name", ["", "ab", "a" * 64, "UPPER", "a/b", "a?b", "a#b", "a%2fb", "../a", "a\nb", "abc\n", "a\0b", "äöü"]
)
def test_names_that_storage_cannot_have(name: str) -> None:
    assert not can_be_a_container(name)


# --- names of blobs, on their way into the run store ------------------------------------------------------------------


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=30), max_size=4))
def test_any_name_comes_through_the_run_store_unharmed(ends: list[str]) -> None:
    names = [f"{'0' * 32}_{end}.mp4" for end in ends]
    page = parse_blobs(blob_page([BlobEntry(name, 1, MODIFIED) for name in names], "")).blobs
    evidence = read_evidence("first-one", [page], datetime.now(UTC))
    assert [file.name for file in evidence.media] == names
    record = Read("first-one", len(names), evidence)
    [value] = unpack(pack([record_to_json(record, ContainerEvidence.to_json)]))
    assert record_from_json(value, ContainerEvidence.from_json) == record
