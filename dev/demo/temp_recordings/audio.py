"""Real audio, as small as it can be: raw samples, and MP3 of silent frames that still differ from file to file."""

from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256

from profiles.temp_recordings.durations import MP3_BYTES_PER_MS, PCM_BYTES_PER_MS, SAMPLE_BYTES

# MPEG 1, layer III, no checksum; 128 kbit/s, 48,000 samples a second, no padding; stereo.
_HEADER = b"\xff\xfb\x94\x00"
_SIDE = bytes(32)
"""That no samples are coded at all, which is silence: whatever follows in the frame is ancillary."""
FRAME = 384
FRAME_MS = FRAME // MP3_BYTES_PER_MS


@dataclass(frozen=True)
class Mp3:
    """So many frames of silence, with ``name`` in them, so that files of other names have other bytes. ``declares``:
    before them there is a header (Info) that says how many frames there are; ``lacks`` bytes at its end.
    """

    frames: int
    name: str = ""
    declares: int | None = None
    lacks: int = 0

    @property
    def size(self) -> int:
        return (self.frames + (self.declares is not None)) * FRAME - self.lacks

    def data(self) -> bytes:
        frame = (_HEADER + _SIDE + self.name.encode()).ljust(FRAME, b"\0")
        begin = b""
        if self.declares is not None:
            info = b"Info" + (1).to_bytes(4) + self.declares.to_bytes(4)
            begin = (_HEADER + _SIDE + info).ljust(FRAME, b"\0")
        return (begin + frame * self.frames)[: self.size]

    @property
    def sha256(self) -> str:
        return _digest(self)


@dataclass(frozen=True)
class Pcm:
    """So many bytes of raw audio: silence, but for the name at its beginning."""

    size: int
    name: str = ""

    def data(self) -> bytes:
        name = self.name.encode()
        return (name + bytes(-len(name) % SAMPLE_BYTES)).ljust(self.size, b"\0")[: self.size]


@dataclass(frozen=True)
class Zeros:
    """What is no audio."""

    size: int

    def data(self) -> bytes:
        return bytes(self.size)


Content = Mp3 | Pcm | Zeros


def mp3(ms: int, name: str = "") -> Mp3:
    """An MP3 that plays so long; of what is no whole number of frames the last one is cut."""
    size = ms * MP3_BYTES_PER_MS
    frames = -(-size // FRAME)
    return Mp3(frames, name, lacks=frames * FRAME - size)


def pcm(ms: int, name: str = "") -> Pcm:
    return Pcm(ms * PCM_BYTES_PER_MS, name)


@lru_cache(maxsize=10_000)
def _digest(content: Mp3) -> str:
    return sha256(content.data()).hexdigest()
