"""Writes docs/report.schema.json, the published schema of report.json: ``python -m dev.report_schema``.

It is made of the models in ``reporting/documents.py`` and of what the profile declares; a test holds the file to them.
"""

import json
from pathlib import Path

from profiles.pre_capture_sessions import PROFILE
from reporting.declared import report_schema

PUBLISHED = Path(__file__).parents[1] / "docs" / "report.schema.json"


def published() -> str:
    """The text of the file."""
    return json.dumps(report_schema(PROFILE), indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    PUBLISHED.write_text(published(), encoding="utf-8")
