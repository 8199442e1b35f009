import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from profiles.pre_capture_sessions.keys import (
    MATTERING_SUFFIXES,
    ContainerKind,
    container_kind,
    is_edit_output,
    is_manifest,
    is_media,
    name_digest,
    session_id_of,
    session_key,
    session_key_in,
    usual_track_name,
)

KEY = "0123456789abcdef0123456789abcdef"
UUID = "01234567-89ab-cdef-0123-456789abcdef"


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(f"{KEY}_1280x720_4500k.mp4", id="as the encoder writes it"),
        pytest.param(f"{KEY}.mp4", id="bare, without a resolution"),
        pytest.param(f"{KEY}-1280x720.mp4", id="a hyphen, which hid recordings from the old pattern"),
        pytest.param(f"{KEY}.track2.mp4", id="a dot"),
        pytest.param(f"{KEY} copy.mp4", id="a blank"),
        pytest.param(f"{KEY}g.mp4", id="a letter that is no hex digit"),
        pytest.param(f"{KEY}_R&D <take> ü 100%.mp4", id="signs, brackets and an umlaut"),
        pytest.param(f"{KEY}_a\nb.mp4", id="a line break"),
        pytest.param(f"{KEY}.mp4.mp4", id="two endings"),
        pytest.param(f"{KEY.upper()}_1280x720_4500k.MP4", id="upper case, from a copy made by hand"),
    ],
)
def test_the_name_of_a_track_names_its_session(name: str) -> None:
    assert session_key_in(name) == KEY


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(f"{KEY}a_1280x720.mp4", id="a 33rd hex digit: the encoder cuts at 32, so this is another name"),
        pytest.param(f"{KEY}A.mp4", id="a 33rd hex digit in upper case"),
        pytest.param(f"{KEY[:31]}_1280x720.mp4", id="31 digits"),
        pytest.param(f"{KEY[:31]}g.mp4", id="the 32nd is no hex digit"),
        pytest.param(f"{UUID}.mp4", id="with its hyphens"),
        pytest.param(f"{UUID[:32]}_1280x720.mp4", id="an edit: the container's name cut at 32 characters"),
        pytest.param(f"x{KEY}.mp4", id="not at the beginning"),
        pytest.param(f"0/{KEY}.mp4", id="inside a folder"),
        pytest.param(f"{KEY}.ism", id="a manifest"),
        pytest.param(f"{KEY}.mp4.part", id="an unfinished copy"),
        pytest.param(f"{KEY}.mp4\n", id="a line break behind the ending"),
        pytest.param(f"{KEY}mp4", id="no dot"),
        pytest.param("index_1280x720_4500k.mp4", id="the index era"),
        pytest.param("video_2000000_1280x720_4500.mp4", id="the AMS era"),
        pytest.param(KEY, id="no ending"),
        pytest.param("", id="nothing"),
    ],
)
def test_other_names_name_no_session(name: str) -> None:
    assert session_key_in(name) is None


@given(st.uuids(), st.sampled_from(sorted(set(string.printable) - set(string.hexdigits))), st.text())
def test_any_session_is_found_behind_any_suffix_that_begins_with_no_hex_digit(
    session: object, first: str, rest: str
) -> None:
    key = session_key(str(session))
    assert session_key_in(f"{key}{first}{rest}.mp4") == key
    assert session_key_in(f"{key.upper()}{first}{rest}.MP4") == key


@given(st.text())
def test_only_tracks_can_name_a_session(name: str) -> None:
    for blob in (name, f"{name}.mp4", f"{KEY}{name}"):
        if session_key_in(blob) is not None:
            assert is_media(blob)
            assert not is_manifest(blob)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        pytest.param(UUID, ContainerKind.RECORDING, id="a recording's id"),
        pytest.param(f"{UUID}-input", ContainerKind.INPUT, id="the source of an edit"),
        pytest.param(UUID.upper(), ContainerKind.OTHER, id="upper case is no canonical id"),
        pytest.param(f"{UUID}-output", ContainerKind.OTHER, id="another suffix"),
        pytest.param(f"{UUID}0", ContainerKind.OTHER, id="one digit more"),
        pytest.param(UUID[:-1], ContainerKind.OTHER, id="one digit less"),
        pytest.param(f"{UUID}\n", ContainerKind.OTHER, id="a line break behind it"),
        pytest.param(f"asset-{UUID}", ContainerKind.OTHER, id="AMS days"),
        pytest.param(KEY, ContainerKind.OTHER, id="without hyphens"),
        pytest.param("mk-import-reports", ContainerKind.OTHER, id="the importer's reports"),
        pytest.param("$logs", ContainerKind.OTHER, id="storage's own"),
        pytest.param("", ContainerKind.OTHER, id="nothing"),
    ],
)
def test_a_container_is_judged_by_its_whole_name(name: str, kind: ContainerKind) -> None:
    assert container_kind(name) is kind


@given(st.uuids())
def test_every_uuid_is_the_name_of_a_recording_and_becomes_a_key(uuid: object) -> None:
    assert container_kind(str(uuid)) is ContainerKind.RECORDING
    assert session_key(str(uuid).upper()) == str(uuid).replace("-", "")


@given(st.uuids())
def test_a_key_gives_its_session_back(session: object) -> None:
    assert session_id_of(session_key(str(session))) == str(session)


@given(st.uuids())
def test_the_usual_name_of_a_track_names_its_session(session: object) -> None:
    key = session_key(str(session))
    assert session_key_in(usual_track_name(key)) == key


@given(st.uuids(), st.uuids())
def test_an_edits_track_is_named_after_its_container_and_names_no_session(container: object, session: object) -> None:
    name, key = str(container), session_key(str(session))
    edited = f"{name[:32]}_1280x720_4500k.mp4"
    assert is_edit_output(edited, name)
    assert session_key_in(edited) is None
    assert not is_edit_output(usual_track_name(key), name)


@given(st.text(), st.text())
def test_a_digest_stands_for_one_name_and_tells_nothing_of_it(one: str, other: str) -> None:
    names = [f"{text.encode(errors='replace').decode()}.mp4" for text in (one, other)]
    digests = [name_digest(name) for name in names]
    assert (digests[0] == digests[1]) is (names[0] == names[1])
    assert all(len(digest) == 16 and set(digest) <= set(string.hexdigits.lower()) for digest in digests)


@pytest.mark.parametrize("text", ["", "session", UUID[:-1], f"{UUID}0"])
def test_what_is_no_uuid_has_no_key(text: str) -> None:
    with pytest.raises(ValueError, match="badly formed"):
        session_key(text)


@given(st.text() | st.sampled_from(["a.mp4", "A.MP4", "a.ism", "A.Ism", "a.mpd", "a.\u0131sm", "mp4"]))
def test_only_tracks_and_manifests_can_matter(name: str) -> None:
    assert name.lower().endswith(MATTERING_SUFFIXES) == (is_media(name) or is_manifest(name))


def test_endings_are_compared_without_regard_to_case() -> None:
    assert is_media("A.Mp4")
    assert is_manifest("A.ISM")
    assert not is_media("a.mp3")
    assert not is_manifest("a.ismc")
