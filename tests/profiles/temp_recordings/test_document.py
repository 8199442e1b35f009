"""What docs/temp-recordings.md tells is what the profile declares."""

import re
from itertools import dropwhile, takewhile
from pathlib import Path
from typing import Any

from dev.demo.temp_recordings.cases import LATER, Case, cases_for
from profiles.temp_recordings import PROFILE
from profiles.temp_recordings.durations import MP3_BYTES_PER_MS, PCM_BYTES_PER_MS, TOLERANCE_MS, WINDOW_MS
from profiles.temp_recordings.facts import WARNED_AFTER, ChunkFacts, ParticipantFacts
from profiles.temp_recordings.kinds import CHUNK, FILE, MEETING, PARTICIPANT, RECORDING
from profiles.temp_recordings.profile import TempRecordings
from profiles.temp_recordings.queries import MEETINGS
from reconciliation.looks import Audit, Group
from reconciliation.rules import Kind
from reconciliation.soundness import problems
from tests.profiles.temp_recordings.world import audit_of, groups_of, objects_of, opened, profile_for

TEXT = (Path(__file__).parents[3] / "docs" / "temp-recordings.md").read_text(encoding="utf-8")


def table(heading: str) -> list[list[str]]:
    """The rows of the first table under a heading."""
    section = re.split(rf"^#+ {heading}\n", TEXT, flags=re.MULTILINE)[1]
    lines = dropwhile(lambda line: not line.startswith("|"), section.splitlines())
    rows = [*takewhile(lambda line: line.startswith("|"), lines)][2:]
    return [[cell.strip() for cell in row[1:-1].split("|")] for row in rows]


def test_every_verdict_is_explained_in_the_words_of_its_rule() -> None:
    headings: dict[str, Kind[Any]] = {
        "Chunks": CHUNK,
        "Recordings": RECORDING,
        "Participants": PARTICIPANT,
        "Meetings": MEETING,
        "Files without a row": FILE,
    }
    assert tuple(headings.values()) == PROFILE.kinds
    for heading, kind in headings.items():
        assert table(heading) == [
            [
                f"`{rule.verdict}`",
                f"{rule.severity.value}{', counted' * rule.counted}",
                rule.means,
                rule.next_step,
            ]
            for rule in kind.verdicts()
        ]


def test_every_setting_is_told_with_its_default() -> None:
    assert table("Settings") == [
        [f"`{one.name}`", f"`{one.default}`", f"{one.means} Give {one.allowed}."] for one in PROFILE.settings
    ]
    assert [one.setting for one in PROFILE.connections if f"`{one.setting}`" not in TEXT] == []


def test_every_source_and_option_is_told() -> None:
    assert [row[0].strip("`") for row in table("What is read")] == [source.name for source in PROFILE.sources]
    assert table("Options") == [[f"`{one.name}`", str(one.default), one.means] for one in PROFILE.options]


def test_what_sizes_tell_is_told_as_it_is() -> None:
    bytes_and_ms = f"{PCM_BYTES_PER_MS} bytes, exactly; an MP3 at 128 kbit/s as many as it has {MP3_BYTES_PER_MS}"
    assert bytes_and_ms in TEXT
    assert f"take {TOLERANCE_MS} for each chunk" in TEXT
    assert f"the {WINDOW_MS // 1000} seconds that every" in TEXT
    assert f"after {24 * WARNED_AFTER:.0f} hours, or after {60 * WARNED_AFTER:.0f} minutes" in TEXT


def only_copies() -> tuple[int, int]:
    """The chunks of the demo's world that have files, of people of whom the bot makes no recording any more, and how
    many ms they play; but for those of which there is a copy.
    """
    profile = profile_for()
    audit = audit_of(profile)
    groups = [group for case in cases_for(LATER) for group in _opened(case, profile, audit)]
    subjects = [facts for group in groups for _, _, facts in profile.facts(MEETINGS, group, None, audit)]
    people = [one for one in subjects if isinstance(one, ParticipantFacts)]
    forgotten = {(one.scene.key, one.user) for one in people if PARTICIPANT.judged(one).verdict == "not_promoted"}
    chunks = [
        one
        for one in subjects
        if isinstance(one, ChunkFacts)
        and (one.scene.key, one.chunk.user_id) in forgotten
        and one.has_file
        and not one.is_rescued
    ]
    return len(chunks), sum(one.ms for one in chunks)


def _opened(case: Case, profile: TempRecordings, audit: Audit) -> list[Group]:
    return [opened(one, audit, objects_of(case, LATER)) for one in groups_of(case, profile, LATER)]


def test_what_the_advice_of_the_guide_destroys_is_counted() -> None:
    chunks, ms = only_copies()
    assert re.search(rf"only copy of {chunks} chunks with {ms / 1000:,.0f} seconds of audio", TEXT)


def test_every_repair_is_told_with_how_many_people_it_takes() -> None:
    assert list(problems(PROFILE)) == []
    assert table("Repairs") == [
        [f"`{one.name}`", one.means, "two" if one.two_persons else "one"] for one in PROFILE.repairs
    ]
    assert [one.setting for one in PROFILE.repair_connections() if f"`{one.setting}`" not in TEXT] == []
