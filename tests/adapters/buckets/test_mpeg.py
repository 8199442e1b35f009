"""The counter of MPEG frames: any pieces, any cut, any bytes."""

from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from adapters.buckets.mpeg import Counted, FrameCounter, header_of
from dev.demo.temp_recordings.audio import FRAME, Mp3, mp3

ID3V2 = b"ID3\x04\x00\x00\x00\x00\x01\x00" + b"TIT2".ljust(128, b"\xff")
ID3V1 = b"TAG".ljust(128, b"x")
APE = b"APETAGEX" + (2000).to_bytes(4, "little") + (38).to_bytes(4, "little") + (1).to_bytes(4, "little")


def ape(*, has_header: bool) -> bytes:
    """An APE tag with one item."""
    body = b"item".ljust(38 - 32, b"i")
    flags = (1 << 31 if has_header else 0).to_bytes(4, "little")
    footer = APE + flags + bytes(8)
    return (footer if has_header else b"") + body + footer


def counted(data: bytes, piece: int = 0) -> Counted:
    counter = FrameCounter()
    for at in range(0, len(data), piece or max(len(data), 1)):
        counter.feed(data[at : at + (piece or len(data))])
    return counter.counted()


def is_whole(found: Counted) -> bool:
    return found.frames > 0 and not found.is_cut and not found.stray and found.declared_frames in {None, found.frames}


def headers() -> list[bytes]:
    """One header for each version, layer, rate, bitrate and padding that is counted."""
    found = []
    for version in (0, 2, 3):
        for layer in (1, 2):
            for rate in range(3):
                for bitrate in range(1, 15):
                    for padding in range(2):
                        second = 0xE1 | version << 3 | layer << 1
                        found.append(bytes((0xFF, second, bitrate << 4 | rate << 2 | padding << 1, 0)))
    return found


HEADERS = headers()


def frames_of(head: bytes, number: int) -> bytes:
    header = header_of(head)
    assert header is not None
    return head.ljust(header.length, b"\0") * number


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        # The lengths that other readers give, of the usual kinds.
        (b"\xff\xfb\x94\x00", (3, 1, 48_000, 384, 1152)),
        (b"\xff\xfb\x90\x00", (3, 1, 44_100, 417, 1152)),
        (b"\xff\xfb\x92\x00", (3, 1, 44_100, 418, 1152)),
        (b"\xff\xfb\xe8\x00", (3, 1, 32_000, 1440, 1152)),
        (b"\xff\xf3\x84\xc0", (2, 1, 24_000, 192, 576)),
        (b"\xff\xe3\x18\xc0", (0, 1, 8_000, 72, 576)),
        (b"\xff\xfd\xc4\x00", (3, 2, 48_000, 768, 1152)),
        (b"\xff\xf5\x84\x00", (2, 2, 24_000, 384, 1152)),
    ],
)
def test_a_header_tells_how_long_its_frame_is(head: bytes, expected: tuple[int, ...]) -> None:
    header = header_of(head)
    assert header is not None
    assert tuple(header) == (*expected, head[3] == 0xC0)


@pytest.mark.parametrize(
    "head",
    [
        b"",
        b"\xff\xfb\x94",
        b"\xfe\xfb\x94\x00",
        b"\xff\xdb\x94\x00",
        b"\xff\xeb\x94\x00",  # no such version
        b"\xff\xff\x94\x00",  # layer I
        b"\xff\xf9\x94\x00",  # no layer
        b"\xff\xfb\x04\x00",  # a bitrate that it does not tell
        b"\xff\xfb\xf4\x00",
        b"\xff\xfb\x9c\x00",  # no such rate
    ],
)
def test_what_is_no_header_is_none(head: bytes) -> None:
    assert header_of(head) is None


@given(st.sampled_from(HEADERS), st.integers(2, 50))
def test_frames_of_every_kind_are_counted_and_timed(head: bytes, number: int) -> None:
    header = header_of(head)
    assert header is not None
    found = counted(frames_of(head, number))
    assert found == Counted(number, round(number * header.samples * 1000 / header.rate), None, False, 0)


@given(st.lists(st.integers(1, 14), min_size=2, max_size=30))
def test_frames_of_changing_bitrates_are_counted(bitrates: list[int]) -> None:
    data = b"".join(frames_of(bytes((0xFF, 0xFB, one << 4 | 1 << 2, 0)), 1) for one in bitrates)
    assert counted(data) == Counted(len(bitrates), 24 * len(bitrates), None, False, 0)


MADE = st.builds(
    Mp3,
    st.integers(2, 9),
    st.text(max_size=8),
    st.none() | st.integers(0, 30),
    st.integers(0, 2 * FRAME - 1),
)
BEFORE = st.sampled_from([b"", ID3V2, ID3V2 + ID3V2, b"ID3", b"\xff", b"junk", b"ID3" + b"\xff" * 20])
AFTER = st.sampled_from(
    [b"", ID3V1, ape(has_header=True), ape(has_header=False), ape(has_header=True) + ID3V1, b"\0" * 9, b"\xff\xfb"]
)
BYTES = st.builds(lambda *parts: b"".join(parts), BEFORE, MADE.map(Mp3.data), AFTER, st.binary(max_size=9), AFTER)


@settings(max_examples=150)
@given(BYTES | st.binary(max_size=3000), st.data())
def test_the_pieces_in_which_bytes_come_change_nothing(data: bytes, draw: Any) -> None:
    sizes = draw.draw(st.lists(st.integers(0, 700), max_size=20))
    counter, at = FrameCounter(), 0
    for size in [*sizes, len(data)]:
        counter.feed(data[at : at + size])
        at += size
    assert counter.counted() == counted(data) == counted(data, 1)


@given(st.integers(2, 12), st.booleans(), st.data())
def test_wherever_it_is_cut_fewer_frames_are_counted(frames: int, declares: bool, draw: Any) -> None:
    data = Mp3(frames, "name", frames if declares else None).data()
    whole = counted(data)
    assert whole == Counted(frames, 24 * frames, frames if declares else None, False, 0)
    cut = draw.draw(st.integers(0, len(data) - 1))
    found = counted(data[:cut])
    assert found.frames < frames
    assert found.ms == 24 * found.frames
    if declares and found.frames:
        assert not is_whole(found)
    if cut % FRAME and cut > 2 * FRAME + 4:
        assert found.is_cut


@settings(max_examples=500)
@given(st.binary(max_size=6000))
@example(b"\xff\xfb\x94\x00".ljust(FRAME, b"\0"))
@example(b"\xff" * 5000)
@example(b"ID3")
@example(b"APETAGEX" + b"\xff" * 24)
@example(b"TAG".ljust(128, b"\0"))
def test_bytes_of_any_kind_are_no_audio_and_no_error(data: bytes) -> None:
    found = counted(data)
    assert not is_whole(found)
    assert found.stray <= len(data)


@given(st.binary(min_size=1, max_size=2000).filter(lambda data: not data.startswith(b"ID3")))
def test_bytes_among_the_frames_are_stray(junk: bytes) -> None:
    """Some of them may look like a frame that goes on in the next; none is lost without a word."""
    audio = mp3(480).data()
    for data in (junk + audio, audio + junk + audio):
        found = counted(data)
        assert not is_whole(found)
        assert found.frames <= 40


@pytest.mark.parametrize("before", [b"", ID3V2, ID3V2 + ID3V2])
@pytest.mark.parametrize(
    "after",
    [
        b"",
        ID3V1,
        ape(has_header=True),
        ape(has_header=False),
        ape(has_header=True) + ID3V1,
        ape(has_header=False) + ID3V1,
    ],
)
@pytest.mark.parametrize("declares", [None, 20])
def test_tags_are_neither_audio_nor_stray(before: bytes, after: bytes, declares: int | None) -> None:
    data = before + Mp3(20, "x", declares).data() + after
    assert counted(data, 100) == Counted(20, 480, declares, False, 0)


def test_a_tag_that_says_it_is_longer_than_all_that_is_stray_is_none() -> None:
    footer = b"APETAGEX" + (2000).to_bytes(4, "little") + (5_000).to_bytes(4, "little") + bytes(16)
    assert counted(mp3(480).data() + footer).stray == len(footer)


@pytest.mark.parametrize(
    ("head", "side"), [(b"\xff\xfb\x94\x00", 32), (b"\xff\xfb\x94\xc0", 17), (b"\xff\xf3\x84\xc0", 9)]
)
@pytest.mark.parametrize("word", [b"Xing", b"Info"])
def test_a_header_of_the_whole_says_how_many_frames_there_are(head: bytes, side: int, word: bytes) -> None:
    length = len(frames_of(head, 1))
    for flags, declared in ((1, 7), (0, None)):
        info = (head + bytes(side) + word + flags.to_bytes(4) + (7).to_bytes(4)).ljust(length, b"\0")
        found = counted(info + frames_of(head, 5))
        assert (found.frames, found.declared_frames) == (5, declared)


def test_a_header_of_the_fraunhofer_encoder_is_read() -> None:
    head = b"\xff\xfb\x94\x00"
    vbri = b"VBRI" + bytes(10) + (5).to_bytes(4)
    found = counted((head + bytes(32) + vbri).ljust(FRAME, b"\0") + frames_of(head, 5))
    assert found == Counted(5, 120, 5, False, 0)


def test_half_a_file_is_called_half_whatever_its_header_says() -> None:
    """What a reader of headers takes for thirty seconds."""
    data = Mp3(1250, "x", declares=1250).data()
    found = counted(data[: len(data) // 2])
    assert (found.frames, found.ms, found.declared_frames) == (624, 14_976, 1250)
    assert found.is_cut


def test_audio_of_another_rate_is_stray() -> None:
    other = frames_of(b"\xff\xfb\x90\x00", 9)
    found = counted(mp3(480).data() + other)
    assert (found.frames, found.stray) == (20, len(other))
