"""Temporary recordings: the chunks of recorded meetings on their way to one final file for each participant.

Facts about the system behind the rules: a bot writes what it hears in chunks of raw audio (PCM), a row for each, and
has them transcoded to MP3 by a queue in its memory. At the end of a meeting it joins whatever MP3 there is, and writes
one row of ``recordings``: the chunks are *promoted*. It never looks at its queue again after a crash, and its hourly
clean-up deletes chunks by age, promoted or not. So the only copy of what was said may be deleted at a known time.
"""

from profiles.temp_recordings.profile import PROFILE

__all__ = ["PROFILE"]
