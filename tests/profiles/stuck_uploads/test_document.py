"""What docs/stuck-uploads.md tells is what the profile declares."""

import re
from itertools import dropwhile, takewhile
from pathlib import Path
from typing import Any

from profiles.stuck_uploads import PROFILE
from profiles.stuck_uploads.kinds import OBJECT, RUN, VIDEO
from profiles.stuck_uploads.starting import AHEAD, LEAST_TIME
from reconciliation.rules import Kind

TEXT = (Path(__file__).parents[3] / "docs" / "stuck-uploads.md").read_text(encoding="utf-8")


def table(heading: str) -> list[list[str]]:
    """The rows of the first table under a heading."""
    section = re.split(rf"^#+ {heading}\n", TEXT, flags=re.MULTILINE)[1]
    lines = dropwhile(lambda line: not line.startswith("|"), section.splitlines())
    rows = [*takewhile(lambda line: line.startswith("|"), lines)][2:]
    return [[cell.strip() for cell in row[1:-1].split("|")] for row in rows]


def test_every_verdict_is_explained_in_the_words_of_its_rule() -> None:
    headings: dict[str, Kind[Any]] = {
        "Videos": VIDEO,
        "Folders and objects without a row": OBJECT,
        "Runs without a row": RUN,
    }
    for heading, kind in headings.items():
        assert table(heading) == [
            [
                f"`{rule.verdict}`",
                f"{rule.severity.value}{', counted' * rule.counted}",
                rule.means,
                rule.next_step,
                f"`{rule.repair}`" if rule.repair else "",
            ]
            for rule in kind.verdicts()
        ]


def test_every_setting_is_told_with_its_default() -> None:
    assert [row[:2] for row in table("Settings")] == [
        [f"`{one.name}`", f"`{one.default}`" if one.default else ""] for one in PROFILE.settings
    ]
    connections = {one.setting for one in (*PROFILE.connections, *PROFILE.repair_connections())}
    assert [setting for setting in connections if f"`{setting}`" not in TEXT] == []


def test_every_source_option_and_repair_is_told() -> None:
    assert [row[0].strip("`") for row in table("What is read")] == [source.name for source in PROFILE.sources]
    for option in PROFILE.options:
        assert f"`{option.name}`" in TEXT
    for repair in PROFILE.repairs:
        assert f"**`{repair.name}`**" in TEXT
    assert f"{AHEAD.seconds} seconds ahead" in TEXT
    assert f"at least {LEAST_TIME.seconds} seconds remain" in TEXT
