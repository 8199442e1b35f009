"""Counting the frames of MPEG audio (versions 1, 2 and 2.5, layers II and III) in bytes that come in any pieces.

A frame counts where its header agrees with those beside it in version, layer and sampling rate; two of them in a row
begin the audio, so that what only looks like a header counts for nothing. No sound is decoded: that a frame holds what
was said is not told by it.
"""

from typing import NamedTuple

_HEADER = 4
_SYNC, _SYNC_TOO = 0xFF, 0xE0
"""The first eleven bits of a header."""
_ID3V2_HEADER = 10
_SYNCHSAFE = 0x7F
# Version and layer as the header writes them: http://www.mp3-tech.org/programmer/frame_header.html
_MPEG25, _MPEG2, _MPEG1 = 0, 2, 3
_LAYER3, _LAYER2 = 1, 2
_RATES = {_MPEG1: (44_100, 48_000, 32_000), _MPEG2: (22_050, 24_000, 16_000), _MPEG25: (11_025, 12_000, 8_000)}
_LAYER2_MPEG1 = (32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384)
_LAYER3_MPEG1 = (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320)
_OF_MPEG2 = (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160)
_MONO = 3
_VBRI_AT = _HEADER + 32
_XING_LONGEST = _HEADER + 32 + 12
_HAS_FRAMES = 1
_ID3V1, _APE, _APE_FOOTER = 128, b"APETAGEX", 32
_TAIL = _ID3V1 + _APE_FOOTER
_APE_HAS_HEADER = 1 << 31


class Header(NamedTuple):
    """What the header of a frame says: ``length`` of the whole frame in bytes, ``samples`` of each channel in it."""

    version: int
    layer: int
    rate: int
    length: int
    samples: int
    is_mono: bool

    @property
    def stream(self) -> tuple[int, int, int]:
        """What all frames of a stream have in common."""
        return self.version, self.layer, self.rate


class Counted(NamedTuple):
    """What was counted; the members are those of ``AudioAnswer``."""

    frames: int
    ms: int
    declared_frames: int | None
    is_cut: bool
    stray: int


def header_of(data: bytes) -> Header | None:
    """The header that four bytes are; None for what is none, or one of a bitrate that it does not tell."""
    if len(data) < _HEADER or data[0] != _SYNC or data[1] & _SYNC_TOO != _SYNC_TOO:
        return None
    version, layer = data[1] >> 3 & 3, data[1] >> 1 & 3
    bitrate, rate, padding = data[2] >> 4, data[2] >> 2 & 3, data[2] >> 1 & 1
    if version not in _RATES or layer not in {_LAYER3, _LAYER2} or rate == len(_RATES[version]):
        return None
    if not 1 <= bitrate <= len(_OF_MPEG2):
        return None
    if version == _MPEG1:
        kilobits = (_LAYER3_MPEG1 if layer == _LAYER3 else _LAYER2_MPEG1)[bitrate - 1]
    else:
        kilobits = _OF_MPEG2[bitrate - 1]
    hertz = _RATES[version][rate]
    samples = 576 if layer == _LAYER3 and version != _MPEG1 else 1152
    length = samples // 8 * kilobits * 1000 // hertz + padding
    return Header(version, layer, hertz, length, samples, data[3] >> 6 == _MONO)


class FrameCounter:
    """Takes bytes by ``feed``, in pieces of any size, which changes nothing about what ``counted`` gives in the end. It
    keeps less than two frames of them.

    Tags are neither audio nor stray: ID3v2 at the beginning, APE and ID3v1 at the end. A frame that holds a header of
    Xing, Info or VBRI counts as no audio if it is the first.
    """

    def __init__(self) -> None:
        self._rest = b""
        self._tail = b""
        self._skip = 0
        self._is_beginning = True
        self._is_locked = False
        self._stream: Header | None = None
        self._lengths: dict[bytes, int] = {}
        self._frames = 0
        self._declared: int | None = None
        self._stray = 0
        self._loose = 0
        """Bytes since the last frame that belong to none: stray, unless they are the tags at the end."""

    def feed(self, data: bytes) -> None:
        """Take the next bytes."""
        self._tail = (self._tail + data[-_TAIL:])[-_TAIL:]
        self._rest = self._taken(self._rest + data if self._rest else data)

    def counted(self) -> Counted:
        """What there is in all bytes so far, as if they were all. More bytes may follow."""
        is_cut = self._is_locked and self._may_be_cut(self._rest[:_HEADER])
        loose = self._loose + (0 if is_cut else len(self._rest))
        ms = 0
        if self._stream is not None:
            rate = self._stream.rate
            ms = (self._frames * self._stream.samples * 1000 + rate // 2) // rate
        return Counted(self._frames, ms, self._declared, is_cut, self._stray + loose - _tags_at(self._tail, loose))

    def _taken(self, data: bytes) -> bytes:
        """Goes through the bytes as far as they tell; gives back the others."""
        at, size = 0, len(data)
        while at < size:
            if self._skip:
                step = min(self._skip, size - at)
                self._skip, at = self._skip - step, at + step
                continue
            if self._is_beginning:
                if size - at < _ID3V2_HEADER and b"ID3".startswith(data[at : at + 3]):
                    break
                self._skip = _id3v2(data[at : at + _ID3V2_HEADER])
                self._is_beginning = bool(self._skip)
                continue
            was_locked = self._is_locked
            at = self._locked(data, at) if was_locked else self._searched(data, at)
            if self._is_locked == was_locked:
                break
        return data[at:]

    def _locked(self, data: bytes, at: int) -> int:
        """Counts the whole frames from here on; where the next bytes begin that are none, or not there to their end."""
        lengths, size, frames = self._lengths, len(data), 0
        while True:
            head = data[at : at + _HEADER]
            length = lengths.get(head) or self._length(head)
            if not length:
                break
            if at + length > size:
                self._frames += frames
                return at
            at += length
            frames += 1
        self._frames += frames
        if at < size and not self._may_be_cut(head):
            self._is_locked = False
        return at

    def _length(self, head: bytes) -> int:
        """The length of the frame of the stream with this header; 0 if it is none of the stream."""
        header = header_of(head)
        if header is None or self._stream is None or header.stream != self._stream.stream:
            return 0
        self._lengths[head] = header.length
        return header.length

    def _searched(self, data: bytes, at: int) -> int:
        """Looks for two frames in a row; where the first of them begins, or what cannot be told yet."""
        size = len(data)
        while at < size:
            found = data.find(b"\xff", at)
            found = size if found < 0 else found
            self._loose, at = self._loose + found - at, found
            if at == size:
                return at
            if size - at < _HEADER:
                return at
            header = header_of(data[at : at + _HEADER])
            if header is not None and (self._stream is None or header.stream == self._stream.stream):
                end = at + header.length
                if end + _HEADER > size:
                    return at
                other = header_of(data[end : end + _HEADER])
                if other is not None and other.stream == header.stream:
                    return self._begun(data, at, header)
            self._loose, at = self._loose + 1, at + 1
        return at

    def _begun(self, data: bytes, at: int, header: Header) -> int:
        """The audio begins here, or again; where its first frame does that is not a header of the whole."""
        self._is_locked, self._stray, self._loose = True, self._stray + self._loose, 0
        if self._stream is not None:
            return at
        self._stream = header
        is_info, self._declared = _info(data[at : at + header.length], header)
        return at + header.length if is_info else at

    def _may_be_cut(self, head: bytes) -> bool:
        """True if these are the first bytes of a header of the stream."""
        if len(head) == _HEADER:
            return self._length(head) > 0
        if not head or self._stream is None:
            return False
        first = bytes((_SYNC, _SYNC_TOO | self._stream.version << 3 | self._stream.layer << 1))
        known = bytes((head[0], *(one & 0xFE for one in head[1:2])))
        return first.startswith(known) and (not head[2:] or _has_rate(head[2], self._stream))


def _has_rate(third: int, stream: Header) -> bool:
    index = _RATES[stream.version].index(stream.rate)
    return third >> 2 & 3 == index and 1 <= third >> 4 <= len(_OF_MPEG2)


def _id3v2(data: bytes) -> int:
    """How many bytes the ID3v2 tag has that begins here; 0 if none does."""
    if len(data) < _ID3V2_HEADER or not data.startswith(b"ID3") or max(data[6:10]) > _SYNCHSAFE:
        return 0
    size = data[6] << 21 | data[7] << 14 | data[8] << 7 | data[9]
    return _ID3V2_HEADER + size + (_ID3V2_HEADER if data[5] & 0x10 else 0)


def _info(frame: bytes, header: Header) -> tuple[bool, int | None]:
    """Whether a first frame describes the whole instead of holding audio, and how many frames it says there are."""
    if frame[_VBRI_AT : _VBRI_AT + 4] == b"VBRI":
        return True, int.from_bytes(frame[_VBRI_AT + 14 : _VBRI_AT + 18])
    if header.layer != _LAYER3:
        return False, None
    side = (17 if header.is_mono else 32) if header.version == _MPEG1 else (9 if header.is_mono else 17)
    at = _HEADER + side
    if frame[at : at + 4] not in {b"Xing", b"Info"}:
        return False, None
    has_frames = int.from_bytes(frame[at + 4 : at + 8]) & _HAS_FRAMES
    return True, int.from_bytes(frame[at + 8 : at + 12]) if has_frames else None


def _tags_at(tail: bytes, most: int) -> int:
    """How many of the last bytes are tags, whose end is ``tail``; no more than ``most``."""
    found = 0
    if tail[-_ID3V1:].startswith(b"TAG") and len(tail) >= _ID3V1 and most >= _ID3V1:
        found, tail = _ID3V1, tail[:-_ID3V1]
    footer = tail[-_APE_FOOTER:]
    if len(footer) == _APE_FOOTER and footer.startswith(_APE):
        size = int.from_bytes(footer[12:16], "little")
        size += _APE_FOOTER if int.from_bytes(footer[20:24], "little") & _APE_HAS_HEADER else 0
        if found + size <= most:
            found += size
    return found
