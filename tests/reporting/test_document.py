import json
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from reporting.document import (
    CLOSING,
    COUNTED_CLOSING,
    ReportReader,
    counted_begin,
    counted_line,
    counted_opening,
    finding_line,
    opening,
)
from tests.profiles.pre_capture_sessions.world import (
    LONG_AGO,
    document_of,
    encoded,
    reconciled,
    report_on,
    session,
    unread,
    uuid_of,
)

Json = dict[str, Any]
# Texts that look like a part of the document, and characters that other readers of lines take for the end of one.
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=12) | st.sampled_from(
    [
        '"findings": [',
        ' "findings": [',
        '\n "findings": [\n',
        " ],",
        "\n ],\n",
        "}}}",
        "\n}}}\n",
        "]",
        ",",
        "\n",
        "\r\n",
        "\u2028",
        "\x85",
        "\x00",
    ]
)
SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXTS
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS | st.just("findings"), inner, max_size=3),
    max_leaves=8,
)
HEADS: st.SearchStrategy[Json] = st.dictionaries(
    TEXTS.filter(lambda t: t != "findings"), VALUES, min_size=1, max_size=5
)
FINDINGS: st.SearchStrategy[list[Json]] = st.lists(st.dictionaries(TEXTS, VALUES, max_size=4), max_size=6)


# Sessions that are only counted, by verdict; their ids stand on any number of lines.
COUNTS: st.SearchStrategy[dict[str, list[list[str]]]] = st.dictionaries(
    st.sampled_from(["legacy", "already_registered", "expected_empty"]),
    st.lists(st.lists(st.uuids().map(str), min_size=1, max_size=3), min_size=1, max_size=3),
)
Counts = dict[str, list[list[str]]]


def document(head: Json, findings: list[Json], counts: Counts) -> str:
    """The text as the fan-in joins it."""
    counted = "".join(
        counted_opening(verdict, first=number == 0) + ",".join(counted_line(ids) for ids in lines) + COUNTED_CLOSING
        for number, (verdict, lines) in enumerate(counts.items())
    )
    return (
        opening(head)
        + ",".join(finding_line(finding) for finding in findings)
        + counted_begin("capture_session")
        + counted
        + CLOSING
    )


def whole(head: Json, findings: list[Json], counts: Counts) -> Json:
    """What the document says to a reader who takes it at once."""
    counted = {verdict: [one for ids in lines for one in ids] for verdict, lines in counts.items()}
    return {**head, "findings": findings, "counted": {"capture_session": counted}}


def whole_lines(text: bytes) -> list[str]:
    """The lines that end with a line break, as the run store gives them; the rest may have been cut."""
    return [line.decode() for line in text.split(b"\n")[:-1]]


def portions(lines: list[str], cuts: list[int]) -> list[list[str]]:
    """The lines as they may come, cut anywhere; some portions hold none."""
    bounds = [0, *sorted(min(cut, len(lines)) for cut in cuts), len(lines)]
    return [lines[low:high] for low, high in pairwise(bounds)]


def read(reader: ReportReader, lines: list[str], cuts: list[int]) -> list[Json]:
    return [finding for portion in portions(lines, cuts) for finding in reader.read(portion)]


CUTS = st.lists(st.integers(0, 30), max_size=8)


@given(HEADS, FINDINGS, COUNTS, CUTS)
@example({"a": {"findings": []}, "b": {"findings": [1]}}, [{}], {}, [])
@example({"": {}}, [], {"legacy": [["a"]]}, [1, 1, 2])
@example({"a": 1}, [{}, {}], {"legacy": [["a"], ["b"]], "expected_empty": [["c"]]}, list(range(9)))
def test_a_report_is_one_valid_document_and_reads_back_however_its_lines_come(
    head: Json, findings: list[Json], counts: Counts, cuts: list[int]
) -> None:
    text = document(head, findings, counts)
    assert json.loads(text) == whole(head, findings, counts)
    assert list(json.loads(text)) == [*head, "findings", "counted"]
    reader = ReportReader()
    assert not reader.complete
    assert read(reader, whole_lines(text.encode()), cuts) == findings
    assert reader.head == head
    assert list(reader.head) == list(head)
    assert reader.complete


@given(HEADS, FINDINGS, COUNTS)
def test_there_is_one_line_for_each_finding(head: Json, findings: list[Json], counts: Counts) -> None:
    lines = whole_lines(document(head, findings, counts).encode())
    begin = len(whole_lines(opening(head).encode()))
    assert [json.loads(line.removeprefix(",")) for line in lines[begin : begin + len(findings)]] == findings
    assert lines[begin + len(findings)] == " ],"
    assert all(finding_line(finding).count("\n") == 1 for finding in findings)


@given(HEADS, FINDINGS, COUNTS, CUTS, st.data())
def test_a_cut_document_is_never_complete_and_never_says_anything_else(
    head: Json, findings: list[Json], counts: Counts, cuts: list[int], data: st.DataObject
) -> None:
    text = document(head, findings, counts).encode()
    cut = data.draw(st.integers(0, len(text) - 1))
    reader = ReportReader()
    got = read(reader, whole_lines(text[:cut]), cuts)
    assert not reader.complete
    assert got == findings[: len(got)]
    if cut < len(opening(head).encode()):
        assert got == []
        with pytest.raises(ValueError, match="before its findings begin"):
            _ = reader.head
    else:
        assert reader.head == head


def test_every_cut_of_a_real_report_is_seen() -> None:
    candidates = [session("one"), session("two"), session("imported", origin="VODAFONE")]
    text = document_of(reconciled(candidates, [encoded(of="one"), unread()])).encode()
    assert json.loads(text)["counted"] == {"capture_session": {"legacy": [str(uuid_of("imported"))]}}
    for cut in range(len(text)):
        reader = ReportReader()
        read(reader, whole_lines(text[:cut]), [])
        assert not reader.complete, text[:cut][-40:]


@given(HEADS, FINDINGS, COUNTS, CUTS)
def test_the_head_is_there_from_the_first_finding_on(
    head: Json, findings: list[Json], counts: Counts, cuts: list[int]
) -> None:
    reader = ReportReader()
    for portion in portions(whole_lines(document(head, findings, counts).encode()), cuts):
        if reader.read(portion):
            assert reader.head == head
    assert reader.head == head


@pytest.mark.parametrize("line", ["nonsense", '{"cut": ', "]", ',{"a":1},'])
def test_a_line_that_no_report_holds_is_refused(line: str) -> None:
    reader = ReportReader()
    reader.read(whole_lines(opening({"a": 1}).encode()))
    with pytest.raises(ValueError, match=r".+"):
        reader.read([line])
    assert not reader.complete


def test_a_head_that_is_no_json_is_refused() -> None:
    reader = ReportReader()
    reader.read(["nonsense"])
    with pytest.raises(ValueError, match=r".+"):
        reader.read([' "findings": ['])


def test_nothing_at_all_is_no_report() -> None:
    reader = ReportReader()
    assert not reader.complete
    with pytest.raises(ValueError, match="before its findings begin"):
        _ = reader.head


def test_a_report_keeps_its_letters_as_they_are() -> None:
    text = document_of(reconciled([session(status="Prüfung 裁判", job_at=LONG_AGO)]))
    assert "Prüfung 裁判" in text
    assert report_on(reconciled([session(status="Prüfung 裁判", job_at=LONG_AGO)])) == json.loads(text)
