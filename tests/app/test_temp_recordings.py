"""Temporary recordings over HTTP, on real servers: every planted case, in the columns of both eras."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from dev.demo.temp_recordings.__main__ import compare, expected, verdicts
from dev.demo.temp_recordings.cases import CASES, DOCUMENTED, LATER, STRAY
from dev.demo.temp_recordings.stack import AZURE, FOLDER, S3, stack
from profiles.temp_recordings.options import DEEP
from tests.app.recordings import Recordings

NAMED = {case.number: case for case in CASES}


@pytest.fixture(
    scope="module",
    params=[
        pytest.param((LATER, S3), id="later columns and S3"),
        pytest.param((DOCUMENTED, AZURE), id="documented columns and Azure"),
        pytest.param((DOCUMENTED, FOLDER), id="documented columns and a folder"),
    ],
)
def api(request: pytest.FixtureRequest) -> Iterator[Recordings]:
    columns, store = request.param
    with stack(columns, store=store) as world:
        api = Recordings(world)
        yield api
        api.close()


@pytest.fixture(scope="module")
def audited(api: Recordings) -> tuple[dict[str, Any], dict[str, Any]]:
    """What was answered about an audit of everything, and its report; the first one: a meeting of it is going on."""
    return api.audited(grace_minutes=0)


def test_every_planted_case_is_found_and_nothing_else(
    api: Recordings, audited: tuple[dict[str, Any], dict[str, Any]]
) -> None:
    view, report = audited
    planted = {subject: verdict for subject, (verdict, _) in expected(api.world.cases).items()}
    assert verdicts(report) == planted
    assert compare(api.world.cases, report) == 0
    assert (report["complete"], report["coverage"]["gaps"], view["outcome"]["code"]) == (True, [], 1)


def test_what_only_the_bytes_tell_is_found_in_mode_deep_and_nothing_else(api: Recordings) -> None:
    api.world.plant_rows_anew()
    view, report = api.audited(mode=DEEP, grace_minutes=0)
    assert verdicts(report) == {of: verdict for of, (verdict, _) in expected(api.world.cases, DEEP).items()}
    assert (report["complete"], report["coverage"]["gaps"], view["outcome"]["code"]) == (True, [], 1)
    assert "Every MP3 was read to its last byte" in json.dumps(report["notes"])
    hashes = [one["mp3_sha256"] for one in report["findings"] if one["verdict"] == "chunk_corrupt"]
    assert len(hashes) >= 1
    assert all(len(one) == 64 for one in hashes)


def test_what_is_about_to_be_deleted_comes_first_with_its_date(
    audited: tuple[dict[str, Any], dict[str, Any]],
) -> None:
    _, report = audited
    expiring = [one["verdict"] == "expiring_unpromoted" for one in report["findings"]]
    assert expiring == sorted(expiring, reverse=True)
    assert sum(expiring) == 4
    dates = [one["due"] for one in report["findings"] if one["due"]]
    assert (len(dates), dates) == (4, sorted(dates))


def test_the_report_says_what_sizes_cannot_tell(audited: tuple[dict[str, Any], dict[str, Any]]) -> None:
    _, report = audited
    assert "no SHA-256 was compared" in json.dumps(report["notes"])


def test_a_name_that_is_none_of_the_bot_is_in_no_answer(
    api: Recordings, audited: tuple[dict[str, Any], dict[str, Any]]
) -> None:
    assert audited[1]["findings"]
    name = STRAY.rpartition("/")[2]
    texts = [*api.answers, *(path.read_text(errors="replace") for path in api.app.log.parent.rglob("*.log"))]
    assert [text for text in texts if name in text] == []


def test_one_meeting_can_be_asked_for_and_one_that_is_none_is_a_gap(api: Recordings) -> None:
    case = NAMED[1]
    view, report = api.audited(only=[case.meeting_id.upper()], grace_minutes=0)
    assert (view["outcome"]["code"], verdicts(report)) == (1, case.verdicts())
    _, report = api.audited(only=[case.meeting_id], options={"ttl_hours": 48})
    assert "expiring_unpromoted" not in verdicts(report).values()
    view, report = api.audited(only=["b" * 16])
    assert (view["state"], view["outcome"]["code"]) == ("incomplete", 3)
    assert "b" * 16 in json.dumps(report["coverage"]["gaps"])


def test_the_service_tells_that_all_it_reads_can_be_reached(api: Recordings) -> None:
    checks = api.get("/health").json()["checks"]
    assert {name: check["ok"] for name, check in checks.items() if ":TEMP_RECORDINGS" in name} == {
        "bucket:TEMP_RECORDINGS_BUCKET": True,
        "bucket:TEMP_RECORDINGS_REPAIR_BUCKET": True,
        "database:TEMP_RECORDINGS_DATABASE": True,
    }
