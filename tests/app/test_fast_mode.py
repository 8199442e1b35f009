"""A fast audit opens only what can hide a recording, finds the same, and says what it did not look at."""

from collections import Counter
from collections.abc import Iterator
from html import unescape
from typing import Any

import pytest

from dev.demo.__main__ import verdicts
from tests.app.proxy import StorageProxy
from tests.app.world import ABSENT, Api, World, is_recording, leaks, running

REGISTERED, NOT_A_RECORDING, OUTSIDE = "registered", "not a recording by its name", "outside the requested prefixes"
# What is wrong inside a registered container, which a fast audit does not open.
INSIDE = {"row_without_media", "no_ism", "filename_missing", "session_mismatch"}
Audit = tuple[dict[str, Any], dict[str, Any]]


def kind(world: World, container: str) -> str:
    """Why a fast audit leaves a container closed, or ``open``."""
    if container in world.rows:
        return REGISTERED
    return "open" if is_recording(container) else NOT_A_RECORDING


@pytest.fixture(scope="module")
def api(world: World, proxy: StorageProxy) -> Iterator[Api]:
    with running(world.settings(SOURCE_STORAGE=proxy.connection_string)) as api:
        yield api


@pytest.fixture(scope="module")
def full(api: Api) -> Audit:
    return api.audited(mode="full")


@pytest.fixture(scope="module")
def opened(full: Audit, proxy: StorageProxy) -> list[str]:
    """The containers that the fast audit lists; filled by it."""
    proxy.reset()
    return []


@pytest.fixture(scope="module")
def fast(api: Api, proxy: StorageProxy, opened: list[str]) -> Audit:
    audit = api.audited(mode="fast")
    opened += [asked.container for asked in proxy.asked if asked.lists_blobs]
    return audit


def urgent(report: dict[str, Any]) -> list[dict[str, Any]]:
    """The findings of high severity that do not show inside registered containers only; reasons, evidence and all."""
    return [
        finding | {"change": None}
        for finding in report["findings"]
        if finding["severity"] == "high" and finding["verdict"] not in INSIDE
    ]


def test_a_fast_audit_finds_everything_hidden_that_a_full_one_finds(fast: Audit, full: Audit) -> None:
    assert len(urgent(full[1])) > 10
    assert urgent(fast[1]) == urgent(full[1])
    assert {"unattributed_media", "row_without_container"} <= {finding["verdict"] for finding in urgent(fast[1])}
    assert fast[1]["counts"]["hidden"] == full[1]["counts"]["hidden"]
    assert (fast[0]["state"], fast[0]["outcome"]) == ("completed", {"code": 1, "word": "findings"})


def test_only_what_stands_in_registered_containers_is_judged_otherwise(world: World, fast: Audit, full: Audit) -> None:
    assert verdicts(full[1]) == world.expected
    inside = {subject for subject, verdict in world.expected.items() if verdict in INSIDE}
    assert inside
    assert verdicts(fast[1]) == {subject: v for subject, v in world.expected.items() if subject not in inside}
    unopened = fast[1]["counts"]["recording"]["not_opened"]
    assert unopened == full[1]["counts"]["recording"]["sound"] + len(inside)
    assert full[1]["counts"]["recording"]["not_opened"] == 0
    for severity, absent in (("suspect_lost", fast[1]), ("stuck_empty", fast[1])):
        [finding] = [finding for finding in absent["findings"] if finding["verdict"] == severity]
        assert "registered ones were not opened" in finding["reason"]


def test_a_fast_audit_after_a_full_one_resolves_nothing_that_it_cannot_see(fast: Audit, full: Audit) -> None:
    since = fast[1]["since_last"]
    assert since["previous"]["id"] == full[0]["id"]
    assert (since["new"], since["resolved"], since["resolved_findings"]) == (0, 0, [])
    asking = [finding for finding in fast[1]["findings"] if finding["severity"] != "info"]
    assert since["persisting"] == len(asking)
    assert {finding["change"] for finding in asking} == {"persisting"}
    assert {finding["change"] for finding in fast[1]["findings"] if finding["severity"] == "info"} == {None}


def test_every_listed_container_is_read_or_skipped_for_a_reason(world: World, fast: Audit) -> None:
    kinds = Counter(kind(world, container.name) for container in world.containers)
    assert kinds[REGISTERED] > 10
    assert kinds[NOT_A_RECORDING] >= 2
    coverage = fast[1]["coverage"]
    assert coverage["complete"] is True
    assert coverage["skipped_by_reason"] == {reason: kinds[reason] for reason in (NOT_A_RECORDING, REGISTERED)}
    counts = coverage["units"]
    assert counts == {
        "noun": "container",
        "listed": len(world.containers),
        "scanned": kinds["open"],
        "skipped": kinds[REGISTERED] + kinds[NOT_A_RECORDING],
        "failed": 0,
    }
    assert counts["listed"] == counts["scanned"] + counts["skipped"] + counts["failed"]
    assert fast[0]["progress"]["units"] == counts
    assert fast[0]["progress"]["percent"] == 100
    assert fast[0]["progress"]["shards"]["total"] == -(-kinds["open"] // 10)
    assert coverage["blobs"] == sum(len(c.blobs) for c in world.containers if kind(world, c.name) == "open")


def test_the_containers_that_are_skipped_are_not_opened(world: World, fast: Audit, opened: list[str]) -> None:
    may_be_hidden = {c.name for c in world.containers if kind(world, c.name) == "open"}
    missing = {name for name, verdict in world.expected.items() if verdict == "row_without_container"}
    again = {name: times for name, times in world.opened_again.items() if name in may_be_hidden | missing}
    assert Counter(opened) == Counter(may_be_hidden) + Counter(again)


def test_the_audit_and_its_report_say_that_they_are_fast(fast: Audit, full: Audit) -> None:
    for audit, mode in ((fast, "fast"), (full, "full")):
        assert audit[0]["parameters"]["mode"] == audit[1]["parameters"]["mode"] == mode
    assert "skipped in fast mode" in fast[1]["headline"]
    assert "fast" not in full[1]["headline"]


def test_the_page_says_what_a_fast_audit_cannot_see(api: Api, world: World, fast: Audit, full: Audit) -> None:
    def page(audit: Audit) -> str:
        response = api.get(f"/audits/{audit[0]['id']}/report?format=html")
        assert response.status_code == 200
        return unescape(response.text)

    words = (
        "This was a fast audit: registered containers were not opened, so it cannot see media that stands in another "
        "recording's container, nor most of what can be wrong with recordings that have a row. A full audit can."
    )
    assert words in page(fast)
    assert "Every container that was listed was read" not in page(fast)
    for reason in (REGISTERED, NOT_A_RECORDING):
        number = fast[1]["coverage"]["skipped_by_reason"][reason]
        assert f'of these {reason}</th><td class="number">{number}</td>' in page(fast)
    assert "fast audit" not in page(full)
    assert "Every container that was listed was read" in page(full)
    assert leaks(api, world) == []


def test_the_table_of_a_fast_audit_holds_every_finding_too(api: Api, fast: Audit) -> None:
    table = api.get(f"/audits/{fast[0]['id']}/report?format=csv").text
    subjects = [finding["subject"]["id"] for finding in fast[1]["findings"]]
    assert len(subjects) > 20
    assert [subject for subject in subjects if subject not in table] == []


def test_a_fast_audit_of_a_part_of_the_account_is_incomplete_and_concludes_nothing_from_absence(
    api: Api, world: World
) -> None:
    [hidden] = world.case("swept").containers
    available = next(case for case in world.cases if case.name == "available 1").containers[0]
    prefixes = [hidden.name[:8], available.name[:8], "mk-"]
    inside = [c.name for c in world.containers if c.name.startswith(tuple(prefixes))]
    view, report = api.audited(mode="fast", container_prefixes=prefixes)
    assert (view["state"], view["outcome"]) == ("incomplete", {"code": 3, "word": "incomplete"})
    kinds = Counter(kind(world, name) for name in inside)
    assert report["coverage"]["skipped_by_reason"] == {
        NOT_A_RECORDING: kinds[NOT_A_RECORDING],
        OUTSIDE: len(world.containers) - len(inside),
        REGISTERED: kinds[REGISTERED],
    }
    found = verdicts(report)
    assert found[str(world.case("swept").session_id)] == "unregistered_recording"
    assert found[str(world.case("unused").session_id)] == "unverified"
    assert not ABSENT & set(found.values())


@pytest.mark.parametrize("mode", ["full", "fast"])
def test_prefixes_decide_by_what_they_leave_out_whether_an_audit_is_complete(api: Api, world: World, mode: str) -> None:
    everything = sorted({container.name[0] for container in world.containers})
    view, report = api.audited(mode=mode, container_prefixes=everything)
    assert (view["state"], report["complete"]) == ("completed", True)
    assert OUTSIDE not in report["coverage"]["skipped_by_reason"]

    left_out = [name for name in everything if name != "m"]
    view, report = api.audited(mode=mode, container_prefixes=left_out)
    assert (view["state"], report["complete"]) == ("incomplete", False)
    assert report["coverage"]["skipped_by_reason"][OUTSIDE] == 1
    assert ": This audit is incomplete" in report["headline"]


def test_prefixes_that_no_container_has_end_incomplete_and_not_clean(api: Api, world: World) -> None:
    view, report = api.audited(container_prefixes=["zzz"], only=[str(world.case("unused").session_id)])
    assert (view["state"], view["outcome"]["code"]) == ("incomplete", 3)
    assert report["coverage"]["skipped_by_reason"] == {OUTSIDE: len(world.containers)}
    assert verdicts(report) == {str(world.case("unused").session_id): "unverified"}
