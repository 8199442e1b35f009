"""The repairs of temporary recordings over HTTP, on real servers: copies, rows behind copies, and a bot at work."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from azure.storage.blob import BlobServiceClient

from dev.demo.temp_recordings.cases import ANN, CASES, DOCUMENTED, LATER
from dev.demo.temp_recordings.stack import AZURE, BUCKET, FOLDER, S3, stack
from profiles.temp_recordings.files import BUCKET as FILES
from tests.app.hosting import fire
from tests.app.recordings import ENDED, Recordings
from tests.app.world import eventually

NAMED = {case.number: case for case in CASES}
EXPIRING, WAITING, TWICE = NAMED[1], NAMED[2], NAMED[30]


@pytest.fixture(
    scope="module",
    params=[
        pytest.param((LATER, S3), id="later columns and S3"),
        pytest.param((DOCUMENTED, AZURE), id="documented columns and Azure"),
    ],
)
def api(request: pytest.FixtureRequest) -> Iterator[Recordings]:
    columns, store = request.param
    with stack(columns, store=store) as world:
        api = Recordings(world)
        yield api
        api.close()


def chunk_of(case: Any) -> str:
    return str(case.chunk_id(case.chunks[0]))


def test_what_expires_is_copied_by_one_person_and_taken_back(api: Recordings) -> None:
    audit, before = api.found()
    chunk = chunk_of(EXPIRING)
    assert before["chunk", chunk] == "expiring_unpromoted"
    repair = api.proposed(audit, chunk)
    assert [one["repair"] for one in repair["plan"]["changes"]] == ["rescue_copy"], repair
    done = api.approved(repair, by="Ann")
    assert (done["state"], done["verified"]) == ("applied", {"looked_at": 1, "as_expected": 1}), done
    _, after = api.found()
    assert after["chunk", chunk] == "rescued_unpromoted"
    copies = [subject for (kind, subject), verdict in after.items() if (kind, verdict) == ("file", "in_rescue")]
    target = repair["plan"]["changes"][0]["do"][0]["values"]["target"]
    assert target in copies
    assert api.undone(done)["state"] == "applied"
    assert api.found()[1]["chunk", chunk] == "expiring_unpromoted"


def test_rows_are_set_to_what_the_files_hold_by_two_people(api: Recordings) -> None:
    audit, _ = api.found()
    repair = api.proposed(audit, NAMED[9].recording_id(0), NAMED[18].meeting_id)
    assert [one["repair"] for one in repair["plan"]["changes"]] == ["fix_duration", "fix_recording_files"], repair
    refused = api.ask(f"/repairs/{repair['id']}/approve", digest=repair["digest"], by="Ann", reason="It is mine.")
    assert refused.status_code == 403
    done = api.approved(repair)
    assert (done["state"], done["verified"]) == ("applied", {"looked_at": 2, "as_expected": 2}), done
    assert api.rows("select duration_in_ms from recordings where id = %s", NAMED[9].recording_id(0)) == [(90_000,)]
    _, after = api.found()
    assert ("recording", NAMED[9].recording_id(0)) not in after
    assert ("meeting", NAMED[18].meeting_id) not in after
    assert api.undone(done)["state"] == "applied"
    assert api.rows("select duration_in_ms from recordings where id = %s", NAMED[9].recording_id(0)) == [(0,)]


def test_a_file_without_a_row_is_copied_though_its_meeting_has_none_either(api: Recordings) -> None:
    audit, before = api.found()
    [orphan] = (subject for (_, subject), verdict in before.items() if verdict == "orphan_pcm")
    done = api.approved(api.proposed(audit, orphan))
    assert (done["state"], done["verified"]) == ("applied", {"looked_at": 1, "as_expected": 1}), done
    assert api.proposed(api.found()[0], orphan)["error"].endswith("There is a proved copy of it in rescue/ already.")


def test_what_the_bot_has_just_written_is_left_to_it(api: Recordings) -> None:
    """Servers date every file now: a transcoder may still be at work on them."""
    audit, before = api.found()
    assert before["chunk", chunk_of(WAITING)] == "transcoded_not_marked"
    repair = api.proposed(audit, chunk_of(WAITING))
    assert (repair["state"], "a moment ago" in repair["error"]) == ("failed", True)


# --- in a folder, where files can be as old as they are ---------------------------------------------------------------


@pytest.fixture(scope="module")
def old() -> Iterator[Recordings]:
    with stack(DOCUMENTED, store=FOLDER, more={"TEMP_RECORDINGS_DELETE_ROWS": "on"}) as world:
        api = Recordings(world)
        yield api
        api.close()


def root(old: Recordings) -> Path:
    return Path(old.world.settings[f"{FILES}__folder"])


def test_a_chunk_is_marked_behind_a_copy_and_outlives_the_clean_up_that_this_arms(old: Recordings) -> None:
    audit, before = old.found()
    chunk = chunk_of(TWICE)
    assert before["chunk", chunk] == "transcoded_not_marked"
    repair = old.proposed(audit, chunk)
    [change] = repair["plan"]["changes"]
    assert [one["statement"] for one in change["do"]] == ["copy_file", "mark_done"]
    done = old.approved(repair)
    assert (done["state"], done["verified"]) == ("applied", {"looked_at": 1, "as_expected": 1}), done
    [row] = old.rows(
        "select transcode_status, sha256, duration_ms, mp3_path, completed_at is not null from temp_recordings"
        " where id = %s",
        chunk,
    )
    values = change["do"][1]["values"]
    assert row == ("done", values["file_sha256"], 30_000, values["mp3_path"], True)
    copy, original = root(old) / change["do"][0]["values"]["target"], root(old) / values["mp3_path"]
    assert copy.read_bytes() == original.read_bytes()
    assert old.undone(done)["state"] == "applied"
    assert old.rows("select transcode_status, sha256 from temp_recordings where id = %s", chunk) == [
        ("in_progress", None)
    ]
    assert copy.exists(), "only a person deletes it"


def test_a_row_that_the_worker_has_flipped_since_is_left_to_it(old: Recordings) -> None:
    audit, _ = old.found()
    chunk = chunk_of(WAITING)
    repair = old.proposed(audit, chunk)
    old.rows("update temp_recordings set transcode_status = 'done' where id = %s", chunk)
    done = old.approved(repair)
    assert (done["state"], done["counts"]["moved"]) == ("failed", 1), done
    old.rows("update temp_recordings set transcode_status = 'queued' where id = %s", chunk)


def test_a_file_that_was_written_again_since_is_not_rested_on(old: Recordings) -> None:
    audit, _ = old.found()
    chunk = chunk_of(WAITING)
    repair = old.proposed(audit, chunk)
    path = root(old) / repair["plan"]["changes"][0]["do"][0]["values"]["source"]
    data = path.read_bytes()
    path.write_bytes(data[:-1000])
    done = old.approved(repair)
    assert (done["state"], done["counts"]["done"]) == ("failed", 0), done
    assert old.rows("select transcode_status from temp_recordings where id = %s", chunk) == [("queued",)]
    path.write_bytes(data)


def test_a_meeting_that_was_promoted_since_needs_no_mark(old: Recordings) -> None:
    audit, _ = old.found()
    chunk, meeting = chunk_of(NAMED[23]), NAMED[23].meeting_id
    repair = old.proposed(audit, chunk)
    final = root(old) / f"storage/{meeting}_user{ANN}_final.mp3"
    final.write_bytes((root(old) / repair["plan"]["changes"][0]["do"][0]["values"]["source"]).read_bytes())
    old.rows(
        "insert into recordings (id, created_at, duration_in_ms, meeting_id, sha256, filename)"
        " values ('promoted', now() + interval '1 minute', 30000, %s, repeat('9', 64), %s)",
        meeting,
        final.name,
    )
    done = old.approved(repair)
    assert (done["state"], done["counts"]["done"]) == ("failed", 0), done
    old.rows("delete from recordings where id = 'promoted'")
    final.unlink()


def test_a_final_file_gets_its_row_once_and_loses_it_again(old: Recordings) -> None:
    audit, before = old.found()
    [key] = NAMED[10].files
    key = key.format(m=NAMED[10].meeting_id, A=ANN)
    assert before["file", key] == "final_not_recorded"
    done = old.approved(old.proposed(audit, key))
    assert (done["state"], done["verified"]) == ("applied", {"looked_at": 1, "as_expected": 1}), done
    [(ms, sha)] = old.rows("select duration_in_ms, sha256 from recordings where filename = %s", Path(key).name)
    assert (ms, len(sha)) == (40_008, 64)
    assert old.undone(done)["state"] == "applied"
    assert old.rows("select count(*) from recordings where filename = %s", Path(key).name) == [(0,)]


def test_a_leftover_row_is_marked_by_one_plan_and_deleted_by_a_later_one(old: Recordings) -> None:
    chunk = chunk_of(NAMED[31])
    old.rows(
        "update temp_recordings set created_at = created_at - interval '10 hours' where meeting_id = %s",
        NAMED[31].meeting_id,
    )
    for one in NAMED[31].chunks:
        (root(old) / f"temp/{NAMED[31].name_of(one, DOCUMENTED).replace('.pcm', '.mp3')}").unlink()
    [row] = old.rows("select to_json(t)::text from temp_recordings t where id = %s", chunk)
    audit, before = old.found()
    assert before["chunk", chunk] == "leftover_row"
    marked = old.approved(old.proposed(audit, chunk))
    assert (marked["state"], marked["verified"]) == ("applied", {"looked_at": 1, "as_expected": 1}), marked
    assert old.rows("select to_json(t)::text from temp_recordings t where id = %s", chunk) == [row]
    deleted = old.approved(old.proposed(old.found()[0], chunk))
    assert (deleted["state"], deleted["verified"]) == ("applied", {"looked_at": 1, "as_expected": 1}), deleted
    assert old.rows("select count(*) from temp_recordings where id = %s", chunk) == [(0,)]
    assert old.undone(deleted)["state"] == "applied"
    assert old.rows("select to_json(t)::text from temp_recordings t where id = %s", chunk) == [row]


# --- without a person -------------------------------------------------------------------------------------------------


def test_a_policy_copies_what_expires_behind_its_short_audit_and_no_more_bytes_than_it_may() -> None:
    more = {
        "AUDIT_AUTO_REPAIR__TEMP_RECORDINGS": "rescue_copy",
        "AUDIT_AUTO_REPAIR_MOST__TEMP_RECORDINGS": "20",
        # Three MP3s of 480,000 bytes are due at the same time; the raw audio of another chunk is larger than all this.
        "AUDIT_AUTO_REPAIR_MOST_BYTES__TEMP_RECORDINGS": "1000000",
        "AUDIT_SCHEDULE__TEMP_RECORDINGS": "0 0 3 1 1 *",
        "AUDIT_SCHEDULED_MODE__TEMP_RECORDINGS": "expiring",
    }
    with stack(LATER, more=more) as world:
        api = Recordings(world)
        fire(api, "scheduled_audit_temp_recordings")
        [audit] = api.get("/audits").json()["audits"]
        assert api.ended(audit["id"])["parameters"]["mode"] == "expiring"
        repairs = eventually(lambda: api.get("/repairs").json()["repairs"] or None, "its repair is there", 60)
        done = api.until(repairs[0]["id"], *ENDED)
        assert (done["state"], done["counts"]["done"]) == ("applied", 2), done
        assert "may copy" in json.dumps(done["plan"]["left_out"])
        _, after = api.found()
        chunks = [after["chunk", EXPIRING.chunk_id(one)] for one in EXPIRING.chunks]
        assert sorted(chunks) == ["expiring_unpromoted", "rescued_unpromoted", "rescued_unpromoted"]
        api.close()


# --- a clean-up in between --------------------------------------------------------------------------------------------


def test_what_the_clean_up_has_deleted_since_takes_nothing_else_along() -> None:
    with (
        stack(DOCUMENTED, store=AZURE) as world,
        BlobServiceClient.from_connection_string(world.storage) as service,
    ):
        container, api = service.get_container_client(BUCKET), Recordings(world)
        audit, _ = api.found()
        first, second, _ = (EXPIRING.chunk_id(one) for one in EXPIRING.chunks)
        repair = api.proposed(audit, first, second)
        values = [one["do"][0]["values"] for one in repair["plan"]["changes"]]
        whole = container.download_blob(values[0]["source"]).readall()
        container.delete_blob(values[1]["source"])
        api.rows("delete from temp_recordings where id = %s", repair["plan"]["changes"][1]["subject"]["id"])
        done = api.approved(repair)
        assert (done["state"], done["counts"]["done"], done["counts"]["moved"]) == ("partly_applied", 1, 1), done
        assert container.download_blob(values[0]["target"]).readall() == whole
        assert not container.get_blob_client(values[1]["target"]).exists()
        api.close()
