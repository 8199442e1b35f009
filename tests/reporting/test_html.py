import base64
import hashlib
import re
from html import unescape
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given

from profiles.pre_capture_sessions import PROFILE
from reconciliation.visible import visible
from reporting import layout
from reporting.html import MOST_ROWS, SHOWN_SEVERITIES
from reporting.policy import CONTENT_SECURITY_POLICY, SCRIPT
from tests.profiles.pre_capture_sessions.strategies import texts
from tests.reporting import samples
from tests.reporting.samples import (
    LISTED,
    NOT_COMPARED,
    VERDICTS,
    Json,
    coverage,
    evidence,
    finding,
    page_of,
    report,
    row,
    since_last,
    uuid_of,
)

HOSTILE = "\"'><script>alert(1)</script><img src=x onerror=alert(2)>&amp;"
VOID = {"meta", "input"}


class Page(HTMLParser):
    """What a browser would make of a page; fails on tags that do not pair and on ids that are not unique."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.ids: list[str] = []
        self.targets: set[str] = set()
        self.headings: list[int] = []
        self.text = ""
        self._open: list[str] = []
        self.feed(html)
        self.close()
        assert self._open == []
        assert len(set(self.ids)) == len(self.ids)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        self.tags.add(tag)
        self.attributes |= set(values)
        self.ids += [value for name, value in attrs if name == "id" and value]
        if target := values.get("href") or values.get("aria-labelledby"):
            self.targets.add(target)
        if re.fullmatch(r"h\d", tag):
            self.headings.append(int(tag[1]))
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self._open and self._open[-1] not in {"style", "script"}:
            self.text += data


def text_of(document: Json) -> str:
    return Page(page_of(document)).text


def section_of(document: Json, anchor: str) -> str:
    """The text of one section of the page, as one line."""
    html = page_of(document)
    part = html.partition(f'<section id="{anchor}"')[2].partition("</section>")[0].partition(">")[2]
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", part)).split())


def report_full_of(text: str) -> Json:
    """A report in which everything that comes from outside is the same text."""
    seen = evidence(
        container=text, media=[{"name": text, "key": "k", "size": 1, "last_modified": samples.LONG_AGO}], newest=None
    )
    words: dict[str, Any] = {"reason": text, "next_step": text, "evidence": [seen]}
    session = row(status=text, origin=text, case_state=text, booking_id=text, case_id=text, trail=text)
    named = {"kind": "container", "id": text}
    recording = {"session_id": text, "marks": [text]}
    document = report(
        [
            finding(session=session, **words),
            finding("mixed_container", subject=named, **words),
            finding("no_ism", recording=recording, **words),
        ],
        headline=text,
        looked=coverage(1, {text: text}, {text: 1}),
        compared=since_last(resolved=1, resolved_findings=[{"subject": named, "verdict": text, "repair": None}]),
        parameters={"statuses": [text], "ingest_address_contains": text},
    )
    document["audit"] |= {"title": text, "id": text, "profile": text, "environment": text, "storage_account": text}
    document["audit"] |= {"ingest_account": text, "database": {"host": text, "name": text}}
    document["coverage"]["dead_letters"] = [
        dict.fromkeys(("shard", "units", "failed", "attempts"), 1)
        | {"first_at": samples.LONG_AGO, "last_at": samples.LONG_AGO}
        | {"discarded": {"reason": text, "by": text, "at": samples.LONG_AGO}}
    ]
    document["verdicts"][0] |= {"verdict": text, "meaning": text, "count": 2}
    return document


FULL = Page(page_of(report_full_of("plain")))


def test_the_page_needs_nothing_from_outside_and_carries_no_handlers() -> None:
    html = page_of(report_full_of("plain"))
    assert FULL.tags.isdisjoint({"link", "img", "iframe", "object", "embed", "base", "form"})
    assert FULL.attributes.isdisjoint({"src", "srcset", "action", "data", "background", "style"})
    assert not any(name.startswith("on") for name in FULL.attributes)
    assert all(target.startswith("#") for target in re.findall(r'href="([^"]*)"', html))
    assert "url(" not in html
    assert "@import" not in html
    assert not re.search(r"https?:|//", html)


def test_the_policy_allows_this_script_and_this_style_and_nothing_else() -> None:
    html = page_of(samples.with_findings())
    directives = dict(part.split(" ", 1) for part in CONTENT_SECURITY_POLICY.split("; "))
    for tag in ("script", "style"):
        [content] = re.findall(f"<{tag}>(.*?)</{tag}>", html, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
        assert directives.pop(f"{tag}-src") == f"'sha256-{digest}'"
    assert set(directives.values()) == {"'none'"}
    assert f'<meta http-equiv="Content-Security-Policy" content="{CONTENT_SECURITY_POLICY}">' in html
    assert "eval" not in SCRIPT
    assert "innerHTML" not in SCRIPT


def test_hostile_names_stay_text() -> None:
    html = page_of(report_full_of(HOSTILE))
    page = Page(html)
    assert (page.tags, page.attributes) == (FULL.tags, FULL.attributes)
    assert html.count("<script") == 1
    assert "<img" not in html
    assert page.text.count(HOSTILE) >= 30


@given(texts())
def test_any_text_is_shown_and_all_of_it_can_be_seen(text: str) -> None:
    html = page_of(report_full_of(f"[{text}\u202e]"))
    page, shown = Page(html), visible(f"[{text}\u202e]")
    assert (page.tags, page.attributes) == (FULL.tags, FULL.attributes)
    assert f"Next step: {shown}" in page.text
    assert f"{shown}: {shown}" in page.text
    assert all(visible(line) == line for line in html.split("\n"))


def test_one_place_only_lets_texts_from_outside_into_the_page() -> None:
    folder = Path(layout.__file__).parent
    escaping = {
        path.stem
        for path in folder.glob("*.py")
        if re.search(r"import escape|Markup\b", path.read_text(encoding="utf-8"))
    }
    assert escaping == {"layout"}


@pytest.mark.parametrize("make", [samples.with_findings, samples.clean, samples.incomplete])
def test_a_screen_reader_finds_its_way(make: Any) -> None:
    html = page_of(make())
    page = Page(html)
    assert {"header", "nav", "main", "section", "caption"} <= page.tags
    assert page.headings[0] == 1
    assert page.headings.count(1) == 1
    assert all(deeper - level <= 1 for level, deeper in zip(page.headings, page.headings[1:], strict=False))
    assert {target.removeprefix("#") for target in page.targets} <= set(page.ids)
    assert html.count("<table") == html.count("<caption")
    assert html.count("<section") == html.count(" aria-labelledby=")
    assert '<html lang="en">' in html


@pytest.mark.parametrize(
    ("make", "word"),
    [(samples.clean, "Clean"), (samples.with_findings, "Findings"), (samples.incomplete, "Incomplete")],
)
def test_the_answer_stands_first_and_the_outcome_is_a_word(make: Any, word: str) -> None:
    document = make()
    html = page_of(document)
    assert f"<title>production · PRE capture sessions · {word.lower()}</title>" in html
    assert f'<header class="{word.lower()}">' in html
    assert f'<span class="badge">{word}</span>' in html
    assert f"<h1>{document['headline']}</h1>" in html


def test_the_figures_lead_to_their_findings() -> None:
    html = page_of(samples.with_findings())
    assert '<a href="#findings"><b>12</b> hidden in storage</a>' in html
    assert '<a href="#high"><b>19</b> high</a>' in html
    assert '<a href="#since"><b>9</b> new since the last audit</a>' in html
    assert "new since" not in page_of(report())


def test_what_to_do_first_is_most_urgent_first_and_short() -> None:
    many = [finding(name=f"{n}", hearing_at=f"2025-0{n}-01T09:30:00Z", next_step="Play it.") for n in range(1, 4)]
    first = section_of(report([finding("no_duration"), finding("no_ism"), *many]), "first")
    assert first == (
        "What to do first high unregistered_recording 3 times : Play it. The first hearing was 2025-01-01. "
        "Can be repaired. Registers the complete container as the session's recording, as the service itself would "
        "have done. Have a plan made: auditctl repair plan 20260302-093000-1a2b3c4d --verdict unregistered_recording "
        "high no_ism 1 time : Look at the recording as the runbook tells for no_ism. The first hearing was 2026-01-31. "
        "low no_duration 1 time : Look at the recording as the runbook tells for no_duration. "
        "The first hearing was 2026-01-31."
    )
    assert section_of(samples.with_findings(), "first").endswith("23 more verdicts below.")


def test_every_verdict_that_can_be_repaired_says_by_which_command() -> None:
    text = section_of(samples.with_findings(), "verdicts")
    repaired = {rule.verdict for _, rule in PROFILE.verdicts() if rule.repair}
    assert len(repaired) > 2
    plan = "Can be repaired: auditctl repair plan 20260302-093000-1a2b3c4d --verdict "
    assert {part.split()[0] for part in text.split(plan)[1:]} == repaired
    assert plan not in section_of(samples.clean(), "verdicts")


def test_a_gap_is_closed_before_anything_else() -> None:
    first = section_of(samples.incomplete(), "first")
    assert first.startswith("What to do first 4 containers could not be read. Fix the cause, then start a new audit")
    assert "The first error: 403" in first
    narrowed = report(looked=coverage(5, skipped={"outside the requested prefixes": 2}))
    assert "A part of the account was left out on request." in section_of(narrowed, "first")


def test_nothing_to_do_is_said_in_words() -> None:
    text = text_of(samples.clean())
    assert "Nothing. Every check passed, and nothing asks for a person." in text
    assert "High: none" in text
    assert "Nothing of this severity was found." in text
    assert "Yes. Every container that was listed was read: what was not found is not there." in text
    assert 'class="timeline"' not in page_of(samples.clean())


def test_under_a_gap_the_page_never_says_that_all_is_well() -> None:
    text = text_of(report(looked=coverage(1, {"unread": "403 Forbidden"})))
    assert "No. Not every container was read, so no session may be called without a recording." in text
    assert "unread: 403 Forbidden" in text
    assert "Nothing of this severity was found in what was read." in text
    assert "Every container that was listed" not in text
    assert "Every check passed" not in text


@pytest.mark.parametrize(
    ("skipped", "words"),
    [
        ({"registered": 2}, "Yes, for unregistered recordings. Every container was read that can be a recording"),
        ({"not a recording by its name": 2}, "This was a fast audit: registered containers were not opened"),
        ({"deleted during the scan": 2}, "Every container that was listed was read"),
    ],
)
def test_a_fast_audit_says_what_it_did_not_open(skipped: dict[str, int], words: str) -> None:
    assert words in section_of(report(looked=coverage(1, skipped=skipped)), "coverage")


def test_the_coverage_is_a_sum_that_adds_up_on_the_page() -> None:
    html = page_of(report(looked=coverage(1_500, {"unread": "403"}, {"deleted during the scan": 2})))
    numbers = re.findall(r'<th scope="row">([^<]*)</th><td class="number">([\d,]+)</td>', html)
    assert dict(numbers[:6]) == {
        "Containers read": "1,500",
        "+ skipped": "2",
        "of these deleted during the scan": "2",
        "+ could not be read": "1",
        "= containers listed": "1,503",
        "Blobs seen in them": "6,000",
    }


def test_what_is_only_counted_is_said_in_words() -> None:
    counted = {("capture_session", "already_registered"): 1_000, ("capture_session", "expected_empty"): 20}
    text = section_of(report([finding(), finding("in_flight", "other")], counted), "coverage")
    assert "1,022 sessions = 2 listed as findings + 1,020 only counted : 1,000 already_registered (has a" in text
    assert "0 recordings = 0 listed as findings + 0 only counted ." in text


def test_what_changed_since_the_last_audit_is_counted_and_what_was_resolved_is_listed() -> None:
    gone = {
        "subject": {"kind": "recording", "id": uuid_of("gone")},
        "verdict": "no_ism",
        "repair": "20260302-101500-1a2b3c4d",
    }
    since = since_last(new=2, persisting=1_000, resolved=3, resolved_findings=[gone])
    text = section_of(report(compared=since), "since")
    assert "Compared with audit 20260301-093000-1a2b3c4d , as of 2026-03-01 09:30 UTC" in text
    assert "2 new , 1,000 persisting, 3 resolved." in text
    assert f"recording {uuid_of('gone')} no_ism , resolved by repair 20260302-101500-1a2b3c4d" in text
    assert "The first 1 of 3 are shown" in text


def test_an_incomplete_audit_tells_what_is_new_and_why_nothing_is_resolved() -> None:
    since = since_last(new=2, persisting=1_000, resolved=None, why_not="It is incomplete, so <nothing> is resolved.")
    text = section_of(report(compared=since), "since")
    assert "2 new , 1,000 persisting. It is incomplete, so <nothing> is resolved." in text


@pytest.mark.parametrize(
    ("compared", "words"),
    [
        (NOT_COMPARED, "Not compared with an earlier audit. This is the first audit."),
        (NOT_COMPARED | {"why_not": None}, "There is no earlier audit to compare with."),
        (NOT_COMPARED | {"previous": since_last()["previous"], "why_not": "Other mode."}, "as of 2026-03-01 09:30 UTC"),
    ],
)
def test_no_comparison_says_why(compared: Json, words: str) -> None:
    assert words in section_of(report(compared=compared), "since")


def test_the_overview_draws_what_asks_for_somebody() -> None:
    html = page_of(samples.with_findings())
    chart = html.partition('<table class="chart">')[2].partition("</table>")[0]
    drawn = re.findall(r'data-show="(\w+)"', chart)
    assert set(drawn) == {known.verdict for known in LISTED if known.severity != "info"}
    assert drawn[0] == "unregistered_recording"
    assert "Findings by month of the hearing, Jul 2024 to Feb 2026" in html
    assert "Not drawn: 4 findings without a time of hearing." in html


@pytest.mark.parametrize("severity", sorted(SHOWN_SEVERITIES))
def test_every_finding_that_asks_for_somebody_is_shown_with_its_reason_and_next_step(severity: str) -> None:
    document = samples.with_findings()
    text = section_of(document, severity)
    for found in document["findings"]:
        if found["severity"] == severity:
            for words in (found["subject"]["id"], found["verdict"], found["reason"], found["next_step"]):
                assert words in text


def test_what_asks_for_nothing_is_only_counted_on_the_page() -> None:
    document = report([finding("in_flight", "idle"), finding("no_ism", "urgent")])
    text = text_of(document)
    assert uuid_of("idle") not in text
    assert "Not shown: 1 finding of severity info, which ask for nothing; see findings.csv." in text


def test_the_evidence_says_what_was_seen() -> None:
    seen = evidence("k", manifest_bytes=None, unkeyed_media=2, empty_media=1, kind="input", complete=False)
    text = section_of(report([finding(evidence=[seen], session=row(sibling_recordings=2, case_live=False))]), "high")
    assert f"Input container {uuid_of('k')} : 4 blobs, no manifest, 1 track of zero bytes, 2 tracks without" in text
    assert "(names not shown), not registered, not complete, last written 2026-01-31 11:12 UTC" in text
    assert "1280x720_4500k.mp4 40,960 bytes, 2026-01-31 11:12 UTC" in text
    assert "(OPEN, deleted) Audit trail swept Ingest address yes Recordings 2 of a sibling" in text
    assert "Facts and evidence: 1 container, 3 tracks" in text


def test_a_session_without_any_clock_status_or_evidence_has_words_for_it() -> None:
    bare = row(status=None, started_at=None, finished_at=None, scheduled_for=None, trail=None)
    text = section_of(report([finding(session=bare, evidence=[], hearing_at=None)]), "high")
    assert "unknown no status 0" in text
    assert "Facts; no container holds anything of it" in text


def test_a_new_finding_is_marked() -> None:
    html = page_of(report([finding(change="new"), finding("no_ism", change=None)]))
    assert html.count('<b class="new">new</b>') == 1
    assert 'data-verdict="unregistered_recording" data-change="new"' in html
    assert 'data-verdict="no_ism" data-change=""' in html


def test_a_very_long_table_is_cut_and_says_so() -> None:
    document = samples.many(MOST_ROWS + 1)
    html = page_of(document)
    assert html == page_of(document, MOST_ROWS)
    count = document["counts"]["by_severity"]["high"]
    high = html.partition('<table class="findings high">')[2].partition("</table>")[0]
    assert high.count("<tbody") == MOST_ROWS
    assert f"The first 1,000 of {count:,} are shown; all of them are in findings.csv and report.json." in html
    assert f"Not drawn: 2 findings without a time of hearing and {count - 1000} that are only in findings.csv." in html
    assert "at least 1,000 times" in html


def test_the_filter_offers_the_verdicts_that_are_shown_and_waits_for_its_script() -> None:
    html = page_of(report([finding("no_ism", "a"), finding("no_ism", "b"), finding(), finding("in_flight")]))
    assert re.findall(r'<option value="(\w*)">([^<]*)</option>', html) == [
        ("", "all"),
        ("no_ism", "no_ism (2)"),
        ("unregistered_recording", "unregistered_recording (1)"),
    ]
    assert '<div id="filter" role="search" aria-label="Filter the findings" hidden>' in html


def test_the_verdicts_are_all_there_with_their_meaning_and_count() -> None:
    text = section_of(samples.with_findings(), "verdicts")
    for known in VERDICTS:
        assert known.verdict in text
        assert known.meaning in text
    assert "legacy counted 1,204 comes from the migration" in text


def test_what_the_audit_was_asked_is_on_the_page() -> None:
    asked = {"mode": "fast", "grace_minutes": 90, "container_prefixes": ["ab", "cd"], "statuses": ["FAILURE"]}
    text = section_of(report(parameters=asked), "asked")
    for words in ("Grace minutes 90", "Container prefixes ab, cd", "Statuses FAILURE", "Only all", "Since any"):
        assert words in text
    assert "Version 0.1.0 Report schema 3" in text


# --- what the report is of, by when to act, and whom to ask -------------------------------------------------------


def test_a_report_says_at_its_top_and_at_its_end_what_it_is_of() -> None:
    document = report()
    html = page_of(document)
    top = html.partition("<header")[2].partition("</header>")[0]
    assert "<h1>production: " in top
    for words in (
        "storage account <code>finalsa<",
        "ingest account <code>ingestsa</code>",
        "<code>pre</code> at",
    ):
        assert words in top
    told = section_of(document, "asked")
    assert "Environment production Storage account finalsa Ingest account ingestsa Database pre at db.example" in told


def test_what_a_database_url_leaves_out_is_left_out() -> None:
    document = report()
    document["audit"] |= {"database": {"host": None, "name": None}, "ingest_account": None}
    told = section_of(document, "asked")
    assert "Ingest account not looked at Database of the server's default name" in told


def test_a_date_ahead_is_a_call_to_act_and_a_passed_one_is_none() -> None:
    soon, gone = "2026-03-09T09:30:00Z", "2026-03-02T09:30:00Z"
    document = report([finding("encode_lost", "a", due=soon), finding("encode_lost", "b", due=gone), finding()])
    high = section_of(document, "high")
    assert "Act before 2026-03-09 09:30 UTC ." in high
    assert "This was due by 2026-03-02 09:30 UTC ." in high
    assert high.count("Act before") == 1


def test_what_is_due_soonest_is_done_first() -> None:
    many = [finding(name=f"{n}") for n in range(3)]
    dated = [finding("incomplete_encode", f"i{day}", due=f"2026-03-{day}T09:30:00Z") for day in (20, 19)]
    passed = finding("encode_lost", due="2026-01-01T09:30:00Z")
    first = section_of(report([*many, passed, *dated]), "first")
    places = [first.index(verdict) for verdict in ("incomplete_encode", "unregistered_recording", "encode_lost")]
    assert places == sorted(places)
    assert first.count("Act before") == 1
    assert "Act before 2026-03-19 09:30 UTC ." in first


def test_a_runbook_is_linked_for_each_verdict_and_learns_nothing_of_the_reader() -> None:
    html = page_of(report([finding("no_ism")], runbook="https://wiki.example/audit?a=1&b=2"))
    links = re.findall(r'<a class="runbook" href="([^"]*)" rel="noreferrer noopener">Runbook</a>', html)
    assert len(links) == len(VERDICTS) + 2  # the glossary, what to do first, the finding
    assert links.count("https://wiki.example/audit?a=1&amp;b=2#no_ism") == 3
    assert html.count("href=") == html.count('href="#') + len(links)
    assert "Runbook" not in page_of(report([finding("no_ism")]))


def test_the_statement_that_tells_the_cases_can_be_copied_as_it_is() -> None:
    sql = "select 1\n  from cases\n where id in ('a', 'b');\n"
    html = page_of(report([finding()], look_up={"sql": sql, "cases": 2, "of": 2}))
    [shown] = re.findall(r'<pre class="statement"[^>]*>(.*?)</pre>', html, re.DOTALL)
    assert unescape(shown) == sql
    assert "tells reference and court of 2 cases with findings" in html
    cut = page_of(report([finding()], look_up={"sql": sql, "cases": 2, "of": 3}))
    assert "tells reference and court of the 2 most urgent of 3 cases with findings" in cut
    assert "<pre" not in page_of(report([finding()]))
