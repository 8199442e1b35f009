import re
from html.parser import HTMLParser

import pytest
from hypothesis import given

from reconciliation.evidence import Unread
from reconciliation.parameters import AuditParameters, Mode
from reconciliation.profiles.pre_capture_sessions import PROFILE
from reconciliation.report.html import MOST_ROWS
from tests.reconciliation.strategies import texts
from tests.reconciliation.world import (
    LONG_AGO,
    Record,
    Report,
    audited,
    container,
    encoded,
    key_of,
    page_of,
    reconciled,
    report_on,
    row,
    seen_in,
    session,
    track,
    unread,
    uuid_of,
)

HOSTILE = "\"'><script>alert(1)</script><img src=x onerror=alert(2)>&amp;"
VOID = {"meta"}


class Page(HTMLParser):
    """What a browser would make of a page; fails on tags that do not pair."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.text = ""
        self._open: list[str] = []
        self.feed(html)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}
        if tag not in VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self._open and self._open[-1] != "style":
            self.text += data


def report_full_of(text: str) -> Report:
    """A report in which everything that comes from outside is the same text."""
    key = key_of()
    records: list[Record] = [
        seen_in(f"{text}-other", [track(f"{key}_{text}")]),
        container("broken", track(f"{key}_{text}", size=0)),
        container("nameless", track("index")),
        Unread(f"{text}-failed", text, failed=True),
        Unread("skipped", text, failed=False),
    ]
    asked = AuditParameters(
        text, (text,), 60, container_prefixes=(text,), only=(text,), ingest_address_contains=text, since=LONG_AGO
    )
    candidates = [session(status=text, case_state=text, booking_id=text, case_id=text)]
    return report_on(reconciled(candidates, records), asked)


FULL = report_full_of("plain")
TAGS, ATTRIBUTES = Page(page_of(FULL)).tags, Page(page_of(FULL)).attributes


def test_the_page_needs_nothing_from_outside_and_runs_nothing() -> None:
    html = page_of(FULL)
    assert TAGS.isdisjoint({"script", "link", "img", "iframe", "object", "embed", "base", "form", "a", "svg"})
    assert ATTRIBUTES.isdisjoint({"src", "href", "srcset", "action", "data", "background", "http-equiv"})
    assert not any(name.startswith("on") for name in ATTRIBUTES)
    assert "url(" not in html
    assert "@import" not in html
    assert not re.search(r"https?:|//", html)


def test_hostile_names_stay_text() -> None:
    html = page_of(report_full_of(HOSTILE))
    page = Page(html)
    assert (page.tags, page.attributes) == (TAGS, ATTRIBUTES)
    assert "<script" not in html
    assert "<img" not in html
    assert page.text.count(HOSTILE) >= 10


@given(texts().filter(lambda text: "\r" not in text and "\0" not in text))
def test_any_text_is_shown_as_it_is(text: str) -> None:
    page = Page(page_of(report_full_of(f"[{text}]")))
    assert (page.tags, page.attributes) == (TAGS, ATTRIBUTES)
    assert f"status [{text}]" in page.text
    assert f"[{text}]-failed: [{text}]" in page.text


def test_the_page_says_what_it_is_before_anything_else() -> None:
    html = page_of(FULL)
    assert html.startswith('<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">')
    assert f"<title>{PROFILE.title}: incomplete</title>" in html


@pytest.mark.parametrize(
    ("records", "word"), [([], "Clean"), ([encoded()], "Findings"), ([encoded(), unread()], "Incomplete")]
)
def test_the_outcome_is_a_word_and_not_only_a_colour(records: list[Record], word: str) -> None:
    html = page_of(report_on(reconciled([session()], records)))
    assert f'<header class="{word.lower()}">' in html
    assert f'<span class="badge">{word}</span>' in html


def test_an_empty_report_says_so_in_words() -> None:
    text = Page(page_of(report_on(reconciled([])))).text
    assert "Nothing is missing: none of 0 sessions has a hidden recording" in text
    assert "0 sessions judged" in text
    assert "Nothing was found here." in text
    assert "Every container that was listed was read: where nothing was found, nothing is." in text


def test_under_a_gap_the_page_never_says_that_all_is_well() -> None:
    text = Page(page_of(report_on(reconciled([], [unread()])))).text
    assert "Not every container was read, so no session may be called without a recording." in text
    assert f"{uuid_of('unread')}: 403 Forbidden" in text
    assert "Every container that was listed" not in text
    assert "No session is left unverified." in text


READ_ALL = "Every container that was listed was read: where nothing was found, nothing is."
READ_WHAT_MATTERS = "Every container was read that can be a recording and has no row"


@pytest.mark.parametrize(
    ("records", "words"),
    [
        pytest.param([encoded()], READ_WHAT_MATTERS, id="a registered container was not opened"),
        pytest.param([seen_in("$logs", [])], READ_WHAT_MATTERS, id="what cannot be a recording was not opened"),
        pytest.param([encoded("hidden")], READ_ALL, id="there was nothing to leave out"),
    ],
)
def test_a_fast_audit_says_what_it_did_not_open(records: list[Record], words: str) -> None:
    text = Page(page_of(report_on(audited([session()], records, [row()], Mode.FAST)))).text
    [said] = [sentence for sentence in (READ_ALL, READ_WHAT_MATTERS) if sentence in text]
    assert said == words
    whole = Page(page_of(report_on(audited([session()], records, [row()], Mode.FULL)))).text
    assert READ_ALL in whole
    assert READ_WHAT_MATTERS not in whole


def test_every_finding_that_asks_for_somebody_is_shown_with_its_reason_and_next_step() -> None:
    report = report_on(reconciled([session("one"), session("two")], [encoded(of="one")]))
    text = Page(page_of(report)).text
    urgent, idle = report["findings"]
    for words in (urgent["subject"]["id"], urgent["reason"], urgent["next_step"], track(key_of("one")).name):
        assert words in text
    assert idle["verdict"] == "no_media"
    assert idle["subject"]["id"] not in text


def test_the_verdicts_are_all_there_with_their_meaning() -> None:
    text = Page(page_of(report_on(reconciled([session()])))).text
    for rule in PROFILE.rules_of(PROFILE.verdicts()):
        assert rule.verdict in text
        assert rule.meaning in text


def test_the_coverage_is_a_sum_that_adds_up_on_the_page() -> None:
    gone = Unread("gone", "deleted during the scan", failed=False)
    html = page_of(report_on(reconciled([session()], [encoded(of="x"), gone, unread()])))
    numbers = re.findall(r"<td>([^<]*)</td><td class='number'>(\d+)</td>", html)
    assert dict(numbers) == {
        "Containers read": "1",
        "+ skipped": "1",
        "of these deleted during the scan": "1",
        "+ could not be read": "1",
        "= containers listed": "3",
        "Blobs seen": "2",
    }


def test_a_very_long_table_is_cut_and_says_so() -> None:
    sessions = [session(f"session {number}") for number in range(MOST_ROWS + 1)]
    report = report_on(reconciled(sessions, [unread()]))
    html = page_of(report)
    assert html == page_of(report, MOST_ROWS)
    assert html.count("<article") == MOST_ROWS
    assert f"The first {MOST_ROWS:,} of {MOST_ROWS + 1:,}; all of them are in findings.csv and report.json." in html


def test_what_the_audit_was_asked_is_on_the_page() -> None:
    asked = AuditParameters(PROFILE.name, ("FAILURE",), 90, container_prefixes=("ab", "cd"))
    text = Page(page_of(report_on(reconciled([]), asked))).text
    for words in ("Grace minutes90", "Container prefixesab, cd", "StatusesFAILURE", "Onlyall", "Sinceany"):
        assert words in text.replace("\n", "")


def test_a_session_without_any_clock_or_status_has_words_for_it() -> None:
    bare = session(status=None, started_at=None, finished_at=None, scheduled_for=None)
    text = Page(page_of(report_on(reconciled([bare], [encoded()])))).text
    assert "Hearing unknown · status empty" in text
