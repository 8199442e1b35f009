import json
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from profiles.pre_capture_sessions.evidence import ContainerEvidence, read_evidence
from profiles.pre_capture_sessions.keys import ContainerKind, name_digest, session_key_in
from reconciliation.evidence import Read, record_from_json, record_to_json
from reconciliation.lookups import Blob
from tests.profiles.pre_capture_sessions.strategies import blobs, evidence, moments, texts
from tests.profiles.pre_capture_sessions.world import (
    AS_OF,
    CLOCK,
    LATEST,
    LONG_AGO,
    MINUTE,
    container,
    key_of,
    manifest,
    page,
    seen_in,
    track,
    uuid_of,
)

KEY = key_of()


@given(evidence())
def test_evidence_survives_the_run_store(seen: ContainerEvidence) -> None:
    record = Read(seen.container, seen.blobs, seen)
    written = json.loads(json.dumps(record_to_json(record, ContainerEvidence.to_json)))
    assert record_from_json(written, ContainerEvidence.from_json) == record


@given(st.lists(blobs(moments()), max_size=8))
def test_evidence_keeps_the_sums_of_the_listing(listing: list[Blob]) -> None:
    seen = container("any", *listing)
    tracks = [blob for blob in listing if blob.name.lower().endswith(".mp4")]
    sizes = [blob.size for blob in listing if blob.name.lower().endswith(".ism")]
    assert seen.blobs == len(listing)
    assert len(seen.media) + len(seen.unkeyed) == seen.tracks == len(tracks)
    assert seen.digests == {name_digest(blob.name) for blob in tracks}
    assert seen.shown()["unkeyed_media"] == len(seen.unkeyed)
    assert seen.empty_media == sum(blob.size == 0 for blob in tracks)
    assert seen.manifest_bytes == max(sizes, default=None)
    past = [blob.last_modified for blob in listing if blob.last_modified <= LATEST]
    assert (seen.oldest, seen.newest) == (min(past, default=None), max(past, default=None))
    assert seen.future == max((blob.last_modified for blob in listing if blob.last_modified > LATEST), default=None)
    assert [file.name for file in seen.media] == [blob.name for blob in tracks if session_key_in(blob.name)]
    assert seen.keys == {key for blob in tracks if (key := session_key_in(blob.name))}


@given(st.lists(blobs(moments()), max_size=8), st.data())
def test_where_the_pages_are_cut_does_not_matter(listing: list[Blob], data: st.DataObject) -> None:
    cut = data.draw(st.integers(0, len(listing)))
    pages = iter([page(listing[:cut]), page([]), page(listing[cut:])])
    assert read_evidence(str(uuid_of("any")), pages, LATEST) == container("any", *listing)


@given(st.lists(texts().filter(lambda name: session_key_in(f"{name}.mp4") is None), max_size=5))
def test_names_without_a_key_may_hold_personal_data_and_are_never_kept(names: list[str]) -> None:
    hidden = [f"R v Doe {name}" for name in names]
    listing = [Blob(f"{name}{ending}", 1, LONG_AGO) for name in hidden for ending in (".mp4", ".ism", ".docx", "")]
    kept = container("legacy", *listing, track(KEY))
    written = json.dumps(kept.to_json(), ensure_ascii=False)
    assert "Doe" not in written
    assert "Doe" not in repr(kept)
    assert "Doe" not in json.dumps(kept.shown(), ensure_ascii=False)
    assert kept.unkeyed == tuple(name_digest(f"{name}.mp4") for name in hidden)
    assert [file.name for file in kept.media] == [track(KEY).name]


FUTURE = AS_OF.replace(year=2099)
SETTLED = AS_OF - CLOCK.settle


@pytest.mark.parametrize(
    ("seen", "complete"),
    [
        pytest.param([track(KEY), manifest(KEY)], True, id="as the encoder leaves it"),
        pytest.param([track(KEY), track(f"{KEY}_2"), manifest(KEY)], True, id="a file for each track"),
        pytest.param([track("index"), manifest("index")], True, id="names say nothing about being complete"),
        pytest.param([track(KEY, at=SETTLED), manifest(KEY, at=SETTLED)], True, id="settled to the second"),
        pytest.param([track(KEY), manifest(KEY, size=0), manifest("b")], True, id="the largest manifest counts"),
        pytest.param([], False, id="empty"),
        pytest.param([manifest(KEY)], False, id="a manifest alone"),
        pytest.param([track(KEY)], False, id="no manifest: pre-api itself would not call it available"),
        pytest.param([track(KEY), manifest(KEY, size=0)], False, id="an empty manifest"),
        pytest.param([track(KEY, size=0), manifest(KEY)], False, id="a track of zero bytes"),
        pytest.param([track(KEY), track("index", size=0), manifest(KEY)], False, id="an unkeyed track of zero bytes"),
        pytest.param([track(KEY), manifest(KEY, at=SETTLED + MINUTE)], False, id="still moving"),
        pytest.param([track(KEY), manifest(KEY, at=AS_OF + MINUTE)], False, id="changed after the audit began"),
        pytest.param([track(KEY), manifest(KEY, at=FUTURE)], True, id="a moment that has not come yet says nothing"),
        pytest.param([track(KEY, at=SETTLED + MINUTE), manifest(KEY, at=FUTURE)], False, id="nor does it hide another"),
    ],
)
def test_a_recording_is_complete_with_media_and_a_manifest_and_nothing_moving(seen: list[Blob], complete: bool) -> None:
    assert container("recording", *seen).is_complete(CLOCK) is complete


OWN_NAME = str(uuid_of("recording"))[:32]


@pytest.mark.parametrize(
    ("listing", "edit"),
    [
        pytest.param([track(OWN_NAME)], True, id="the container's name, cut at 32 characters by the encoder"),
        pytest.param([Blob(f"{uuid_of('recording')}.mp4", 1, LONG_AGO)], True, id="as ffmpeg wrote it, not encoded"),
        pytest.param([track(KEY), track(OWN_NAME)], True, id="beside the track of a session"),
        pytest.param([manifest(OWN_NAME)], False, id="a manifest is no track"),
        pytest.param([track(OWN_NAME.replace("-", ""))], False, id="without its hyphens"),
        pytest.param([track(str(uuid_of("other"))[:32])], False, id="another container's name"),
        pytest.param([track(f"x{OWN_NAME}")], False, id="not at the beginning"),
        pytest.param([track(KEY)], False, id="an original take"),
    ],
)
def test_an_edit_is_known_by_a_track_that_is_named_after_the_container(listing: list[Blob], edit: bool) -> None:
    assert container("recording", *listing).edit_output is edit


@pytest.mark.parametrize("name", [f"{uuid_of('source')}-input", "mk-import-reports"])
def test_what_cannot_be_a_recording_is_never_complete(name: str) -> None:
    seen = seen_in(name, [track(KEY), manifest(KEY)])
    assert seen.kind is not ContainerKind.RECORDING
    assert not seen.is_complete(CLOCK)


def test_an_empty_container_has_nothing_that_could_move() -> None:
    assert container("empty").is_settled(replace(CLOCK, settle=timedelta(days=1)))
