"""How long audio plays, by the size of its file: exact for PCM, and for MP3 as exact as its fixed bitrate makes it.

That a file of the right size holds what it should is not seen.
"""

from math import ceil

PCM_BYTES_PER_MS = 192
"""48,000 samples a second, 2 channels, 2 bytes each."""
SAMPLE_BYTES = 4
MP3_BYTES_PER_MS = 16
"""128 kbit/s."""
WINDOW_MS = 30_000
"""How long every chunk of the later names plays but for the last one."""
TOLERANCE_MS = 250
"""By how much the duration of one MP3 may differ: its header and the padding of its last frame."""


def pcm_ms(size: int) -> int:
    return size // PCM_BYTES_PER_MS


def mp3_ms(size: int) -> int:
    return size // MP3_BYTES_PER_MS


def is_pcm(size: int) -> bool:
    """True if it can be raw audio: it is not empty, and no sample is cut in two."""
    return size > 0 and size % SAMPLE_BYTES == 0


def tolerance_ms(duration_ms: int, chunks: int = 1) -> int:
    """By how much the duration of what was joined of chunks may differ: each of them adds its own. It never comes to a
    whole chunk: that one of very many is missing is seen, too.
    """
    return min(TOLERANCE_MS * max(1, chunks, ceil(duration_ms / WINDOW_MS)), WINDOW_MS // 2)
