"""The API over a world of temporary recordings, and what people do with it."""

import json
from typing import Any

import psycopg
from jsonschema import Draft202012Validator

from dev.demo.temp_recordings.__main__ import verdicts
from dev.demo.temp_recordings.stack import Stack
from dev.report_schema import path_of
from profiles.temp_recordings.profile import PROFILE
from reporting.declared import report_of
from tests.app.repairing import Repairing

SCHEMA = Draft202012Validator(json.loads(path_of(PROFILE.name).read_text(encoding="utf-8")))
ENDED = ("applied", "partly_applied", "failed", "stopped", "rejected")


class Recordings(Repairing):
    """The API over one of the worlds; its reports are what the profile and its published schema say."""

    def __init__(self, world: Stack) -> None:
        super().__init__(world.app)
        self.world = world

    def report(self, audit_id: str) -> dict[str, Any]:
        response = self.get(f"/audits/{audit_id}/report")
        assert response.status_code == 200, response.text
        report_of(PROFILE).model_validate_json(response.content)
        document: dict[str, Any] = response.json()
        SCHEMA.validate(document)
        return document

    def found(self) -> tuple[str, dict[tuple[str, str], str]]:
        """The id of a fresh audit of everything, and its verdicts."""
        view, report = self.audited(grace_minutes=0)
        return view["id"], verdicts(report)

    def approved(self, repair: dict[str, Any], by: str = "Bob") -> dict[str, Any]:
        """A plan as it has ended."""
        assert repair["state"] == "proposed", repair["error"]
        response = self.decided(repair, by)
        assert response.status_code == 202, response.text
        return self.until(repair["id"], *ENDED)

    def undone(self, repair: dict[str, Any]) -> dict[str, Any]:
        undo = self.ask(f"/repairs/{repair['id']}/undo", by="Ann").json()
        return self.approved(self.until(undo["id"], "proposed", "failed"))

    def rows(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        """What the bot's database answers to one statement, which may change something there."""
        with psycopg.connect(self.world.database) as connection:
            cursor = connection.execute(statement.encode(), values)
            return cursor.fetchall() if cursor.description else []
