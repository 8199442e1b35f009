"""Writes the published schemas of report.json, one for each profile of the house: ``python -m dev.report_schema``.

They are made of the models in ``reporting/documents.py`` and of what the profiles declare, and a test holds the
files to them.
"""

import json
from collections.abc import Sequence
from copy import copy
from dataclasses import replace
from pathlib import Path

from profiles import pre_capture_sessions, stuck_uploads, temp_recordings
from profiles.stuck_uploads.dialects import DIALECTS
from profiles.stuck_uploads.profile import COLUMNS
from reconciliation.profile import Profile
from reporting.declared import report_schema

FOLDER = Path(__file__).parents[1] / "docs" / "schemas"


def house() -> dict[str, Profile]:
    """The profiles of the house by name, each with whatever its settings may make of it."""
    uploads = stuck_uploads.PROFILE
    in_each_shape = [uploads.configured({**uploads.given, COLUMNS: columns}) for columns in DIALECTS]
    return {one.name: one for one in (pre_capture_sessions.PROFILE, _any_of(in_each_shape), temp_recordings.PROFILE)}


def path_of(profile: str) -> Path:
    """Where the schema of a profile is published."""
    return FOLDER / f"{profile}.json"


def published(profile: Profile) -> str:
    """The text of the file."""
    return json.dumps(report_schema(profile), indent=2, ensure_ascii=False) + "\n"


def _any_of(configured: Sequence[Profile]) -> Profile:
    """The first of several configurations of one profile, with options that take what those of any of them take."""
    profile = copy(configured[0])
    alike = zip(*(one.options for one in configured), strict=True)
    profile.options = tuple(
        replace(options[0], choices=tuple(dict.fromkeys(choice for option in options for choice in option.choices)))
        for options in alike
    )
    return profile


if __name__ == "__main__":
    for name, of_house in house().items():
        path_of(name).write_text(published(of_house), encoding="utf-8")
