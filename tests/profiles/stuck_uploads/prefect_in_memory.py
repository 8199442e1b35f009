"""As much of Prefect's API as the profile uses, in memory, for driving conversations by hand."""

from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import unquote

from reconciliation.evidence import Unread
from reconciliation.queries import Conversation, HttpAnswer, HttpCall
from reconciliation.times import from_text, to_text

AT = datetime(2026, 11, 27, 9, 30, tzinfo=UTC)
DEPLOYMENTS = {"process": "process-video/production", "crop": "crop-frames/production"}
STAGING = "process-video/staging"
"""Another environment's deployment of the same flow. A run of any other name is of one that was deleted."""
Json = dict[str, Any]


@dataclass
class Prefect:
    """A server; ``between`` is called before each answer, with the number of calls so far."""

    runs: dict[str, Json] = field(default_factory=dict)
    deployments: dict[str, Json] = field(default_factory=dict)
    workers: dict[str, list[Json]] = field(default_factory=dict)
    limit: int = 3
    now: datetime = AT
    between: Callable[[int], None] = lambda _calls: None
    calls: list[HttpCall] = field(default_factory=list)

    def with_deployments(self, names: Mapping[str, str] = DEPLOYMENTS, **changes: Any) -> "Prefect":
        for of, name in {**names, "staging": STAGING}.items():
            flow = f"f-{name.partition('/')[0]}"
            one = {"id": f"d-{of}", "flow_id": flow, "paused": False, "work_pool_name": "pool", **changes}
            self.deployments[name] = one
        return self

    def add(self, name: str, state: str, expected: datetime, *, of: str = "process", **changes: Any) -> Json:
        run = {
            "id": name,
            "deployment_id": f"d-{of}",
            "flow_id": "f-crop-frames" if of == "crop" else "f-process-video",
            "parameters": {"video_id": "a0000000-0000-4000-8000-000000000001"},
            "state_type": state,
            "state_name": state.title(),
            "created": to_text(expected),
            "expected_start_time": to_text(expected),
            "next_scheduled_start_time": None,
            "start_time": None,
            "end_time": None,
            "state": {"timestamp": to_text(expected)},
            "idempotency_key": None,
            "run_count": 0,
            **changes,
        }
        self.runs[name] = run
        return run

    def answer(self, call: HttpCall) -> HttpAnswer:
        self.between(len(self.calls))
        self.calls.append(call)
        # A copy: what was answered does not change any more.
        return deepcopy(self._changed(call) if call.changes else self._read(call))

    def _read(self, call: HttpCall) -> HttpAnswer:
        parts = [unquote(part) for part in call.path.strip("/").split("/")]
        match parts:
            case ["deployments", "name", flow, deployment]:
                found = self.deployments.get(f"{flow}/{deployment}")
                return HttpAnswer(200 if found else 404, found or {"detail": "not found"}, self.now)
            case ["flow_runs", "count"]:
                return HttpAnswer(200, len(self._matching(call.body)), self.now)
            case ["flow_runs", "filter"]:
                found_runs = self._matching(call.body)[call.body.get("offset", 0) :][: self.limit]
                return HttpAnswer(200, found_runs, self.now)
            case ["deployments", deployment]:
                known = next((one for one in self.deployments.values() if one["id"] == deployment), None)
                return HttpAnswer(200 if known else 404, known or {"detail": "not found"}, self.now)
            case ["flow_runs", name]:
                return HttpAnswer(200 if name in self.runs else 404, self.runs.get(name), self.now)
            case ["work_pools", pool, "workers", "filter"]:
                workers = self.workers.get(pool, [])[call.body["offset"] :][: self.limit]
                return HttpAnswer(200, workers, self.now)
        raise AssertionError(call)

    def _changed(self, call: HttpCall) -> HttpAnswer:
        match call.path.strip("/").split("/"):
            case ["deployments", deployment, "create_flow_run"]:
                return self._create(deployment, call.body)
            case ["flow_runs", name, "set_state"]:
                return self._cancel(name)
        raise AssertionError(call)

    def _create(self, deployment: str, body: Json) -> HttpAnswer:
        key = body["idempotency_key"]
        there = next((run for run in self.runs.values() if key and run["idempotency_key"] == key), None)
        if there is not None:
            return HttpAnswer(200, there, self.now)
        expected = from_text(body["state"]["state_details"]["scheduled_time"])
        run = self.add(f"run-{len(self.runs)}", body["state"]["type"], expected, of=deployment.removeprefix("d-"))
        run |= {"parameters": body["parameters"], "tags": body["tags"], "idempotency_key": key}
        run |= {"created": to_text(self.now)}
        return HttpAnswer(201, dict(run), self.now)

    def _cancel(self, name: str) -> HttpAnswer:
        run = self.runs[name]
        if run["state_type"] != "SCHEDULED":
            run["state_type"] = "CANCELLING"
            return HttpAnswer(201, {"status": "ACCEPT", "state": {"type": "CANCELLING"}}, self.now)
        run |= {"state_type": "CANCELLED", "start_time": to_text(self.now), "end_time": to_text(self.now)}
        return HttpAnswer(201, {"status": "REJECT", "state": {"type": "CANCELLED"}}, self.now)

    def _matching(self, wanted: Json) -> list[Json]:
        if set(wanted["flow_runs"]) == {"id"}:
            return [self.runs[name] for name in wanted["flow_runs"]["id"]["any_"] if name in self.runs]
        assert wanted["flow_runs"]["operator"] == "and_"
        flows = wanted.get("flows", {}).get("id", {}).get("any_")
        found = [
            run
            for run in self.runs.values()
            if (flows is None or run["flow_id"] in flows) and _matches(run, wanted["flow_runs"])
        ]
        return sorted(found, key=lambda run: run["expected_start_time"])


def _matches(run: Json, wanted: Json) -> bool:
    if "deployment_id" in wanted and run["deployment_id"] not in wanted["deployment_id"]["any_"]:
        return False
    if "state" in wanted and run["state_type"] not in wanted["state"]["type"]["any_"]:
        return False
    if "tags" in wanted and not set(wanted["tags"]["all_"]) <= set(run.get("tags", ())):
        return False
    if "end_time" in wanted and (
        run["end_time"] is None or from_text(run["end_time"]) < from_text(wanted["end_time"]["after_"])
    ):
        return False
    expected, bounds = from_text(run["expected_start_time"]), wanted.get("expected_start_time", {})
    after = from_text(bounds["after_"]) if "after_" in bounds else expected
    before = from_text(bounds["before_"]) if "before_" in bounds else expected
    return after <= expected <= before


def talk(conversation: Conversation, server: Prefect) -> tuple[list[Any], Unread | None]:
    """The rows that a conversation with a server gives, and why some are missing."""
    rows: list[Any] = []
    said = next(conversation, None)
    while said is not None:
        if isinstance(said, Unread):
            return rows, said
        try:
            if isinstance(said, HttpCall):
                said = conversation.send(server.answer(said))
            else:
                rows += said
                said = next(conversation, None)
        except StopIteration:
            return rows, None
    return rows, None


def ago(minutes: float) -> datetime:
    return AT - timedelta(minutes=minutes)
