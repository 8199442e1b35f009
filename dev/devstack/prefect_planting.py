"""Flows, deployments, workers and flow runs for a Prefect server, over plain HTTP.

Only moments that have passed go another way, and runs in great numbers: no call of the API takes one for a state, a
start, an end or a heartbeat, so they are written into the server's database, beside the running server.
"""

import json
import sqlite3
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import islice
from types import TracebackType
from typing import Any
from uuid import uuid4

import httpx

from dev.devstack.prefect import PrefectServer

STATES = ("SCHEDULED", "PENDING", "RUNNING", "PAUSED", "CANCELLING", "CANCELLED", "COMPLETED", "FAILED", "CRASHED")
_STARTED = frozenset({"RUNNING", "PAUSED", "COMPLETED", "FAILED", "CRASHED"})
# A worker counts as offline when it has not been heard of for three heartbeats, of 30 seconds each.
_OFFLINE_AFTER = timedelta(seconds=90)
_ATTEMPTS = 50
_PAUSE_SECONDS = 0.1
_COPIES_AT_ONCE = 2000
_MOMENTS = ("created", "updated", "expected_start_time", "start_time", "end_time", "state_timestamp", "timestamp")


@dataclass(frozen=True)
class Times:
    """When a run was created, was to start, started and ended, and since when it is in its state; None: as the server
    sets it now. Without ``since`` its state is as old as its end, or else its start.
    """

    created: datetime | None = None
    expected: datetime | None = None
    started: datetime | None = None
    ended: datetime | None = None
    since: datetime | None = None

    def columns(self) -> dict[str, datetime]:
        """The columns of a run that the server sets and that are to be otherwise."""
        given = {
            "created": self.created,
            "start_time": self.started,
            "end_time": self.ended,
            "state_timestamp": self.since or self.ended or self.started,
        }
        return {name: moment for name, moment in given.items() if moment is not None}


NOW = Times()


@dataclass
class Planting:
    """Plants in one server; ``with`` closes its connections. A call that is refused raises httpx's HTTPStatusError."""

    server: PrefectServer
    client: httpx.Client = field(init=False)

    def __post_init__(self) -> None:
        # Shorter than the server keeps a connection (5 seconds): one that is closed just now would fail a call.
        limits = httpx.Limits(keepalive_expiry=2)
        self.client = httpx.Client(base_url=f"{self.server.url}/", timeout=60, trust_env=False, limits=limits)

    def __enter__(self) -> "Planting":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.client.close()

    def call(self, path: str, body: Any = None) -> httpx.Response:
        """The answer to a GET, or to a POST if there is a body. While the server is busy it is asked again."""
        for _ in range(_ATTEMPTS):
            answer = self.client.get(path) if body is None else self.client.post(path, json=body)
            if answer.status_code != httpx.codes.SERVICE_UNAVAILABLE:
                break
            time.sleep(_PAUSE_SECONDS)
        return answer

    def made(self, path: str, body: Any) -> Any:
        """The JSON of an answer that did as it was told; None if that says nothing."""
        answer = self.call(path, body).raise_for_status()
        return answer.json() if answer.content else None

    def delete(self, path: str) -> None:
        """Delete what an address names."""
        self.client.delete(path).raise_for_status()

    def work_pool(self, name: str) -> str:
        """The name of a work pool that is there from now on."""
        if self.call(f"work_pools/{name}").status_code == httpx.codes.NOT_FOUND:
            self.made("work_pools/", {"name": name, "type": "process", "base_job_template": {}})
        return name

    def deployment(
        self,
        flow: str,
        name: str,
        work_pool: str | None = None,
        *,
        paused: bool = False,
        tags: Sequence[str] = (),
        schema: Mapping[str, Any] | None = None,
        cron: str | None = None,
    ) -> str:
        """The id of a deployment of a flow, which is made if there is none of that name, as is the work pool.

        ``schema`` is the JSON schema of its parameters, which is enforced; ``cron`` its schedule.
        """
        body = {
            "name": name,
            "flow_id": self.made("flows/", {"name": flow})["id"],
            "work_pool_name": work_pool and self.work_pool(work_pool),
            "paused": paused,
            "tags": [*tags],
            "parameter_openapi_schema": schema or {},
            "enforce_parameter_schema": schema is not None,
            "schedules": [{"schedule": {"cron": cron}, "active": True}] if cron else [],
        }
        return str(self.made("deployments/", body)["id"])

    def delete_deployment(self, deployment: str) -> None:
        """Delete a deployment, and with it its runs that are only scheduled; the others keep its id."""
        self.client.delete(f"deployments/{deployment}").raise_for_status()

    def heartbeat(self, work_pool: str, worker: str, at: datetime | None = None) -> None:
        """A worker of a work pool was last heard of just now, or at a moment that has passed."""
        self.made(f"work_pools/{self.work_pool(work_pool)}/workers/heartbeat", {"name": worker})
        if at is not None:
            gone = datetime.now(UTC) - at > _OFFLINE_AFTER
            pool = self.call(f"work_pools/{work_pool}").json()["id"]
            status = "OFFLINE" if gone else "ONLINE"
            self._write(
                "update worker set last_heartbeat_time = ?, status = ? where name = ? and work_pool_id = ?",
                (_column(at), status, worker, pool),
            )

    def run(
        self,
        deployment: str,
        parameters: Mapping[str, Any],
        state: str = "SCHEDULED",
        times: Times = NOW,
        *,
        name: str | None = None,
        tags: Sequence[str] = (),
        key: str | None = None,
    ) -> str:
        """The id of a run of a deployment that is in a state, one of ``STATES``; ``name`` is the state's, if it is not
        the usual one. ``key`` is its idempotency key; if another run has it already, that is the one that is changed.

        A run that is late soon gets the state's name "Late" from the server itself.
        """
        scheduled = {"scheduled_time": times.expected.isoformat()} if times.expected else {}
        begins = {"type": "SCHEDULED", "state_details": scheduled}
        body = {"parameters": {**parameters}, "tags": [*tags], "idempotency_key": key, "state": begins}
        run = str(self.made(f"deployments/{deployment}/create_flow_run", body)["id"])
        for step in _way_to(state, started=times.started is not None):
            self.set_state(run, step)
        if name:
            details = scheduled if state == "SCHEDULED" else {}
            self.set_state(run, state, name=name, state_details=details)
        if columns := times.columns():
            self._write_times(run, columns)
        return run

    def copies(self, model: str, runs: Iterable[tuple[Mapping[str, Any], timedelta]]) -> int:
        """Write runs that are like another one but for their parameters and how much earlier everything of them was;
        returns how many. For numbers that would take the API hours: what the server has written of the one run, and of
        all its states, is written again into its database.
        """
        with closing(sqlite3.connect(self.server.database, timeout=60)) as connection:
            copier = _Copier(connection, model)
            runs, written = iter(runs), 0
            while portion := [*islice(runs, _COPIES_AT_ONCE)]:
                with connection:
                    copier.write(portion)
                written += len(portion)
        return written

    def set_state(self, run: str, state: str, **more: Any) -> Any:
        """Put a run into a state, whatever the server's rules say; its answer."""
        return self.made(f"flow_runs/{run}/set_state", {"state": {"type": state, **more}, "force": True})

    def read(self, run: str) -> Any:
        """A run as the server tells it."""
        return self.call(f"flow_runs/{run}").raise_for_status().json()

    def _write_times(self, run: str, columns: Mapping[str, datetime]) -> None:
        sets = ", ".join(f"{name} = ?" for name in columns)
        self._write(f"update flow_run set {sets} where id = ?", (*map(_column, columns.values()), run))  # noqa: S608
        if "state_timestamp" in columns:
            self._write(
                "update flow_run_state set timestamp = ? where id = (select state_id from flow_run where id = ?)",
                (_column(columns["state_timestamp"]), run),
            )

    def _write(self, statement: str, values: Sequence[str]) -> None:
        with closing(sqlite3.connect(self.server.database, timeout=30)) as connection, connection:
            changed = connection.execute(statement, values).rowcount
        assert changed == 1, f"{changed} rows were changed: the server keeps them in another way than it did"


class _Copier:
    """Copies one run. Moments are those of the model, each so much earlier."""

    def __init__(self, connection: sqlite3.Connection, model: str) -> None:
        self._connection = connection
        [self._run] = self._rows("flow_run", "id", model)
        self._states = self._rows("flow_run_state", "flow_run_id", model)

    def write(self, runs: Sequence[tuple[Mapping[str, Any], timedelta]]) -> None:
        copied, states = list[dict[str, Any]](), list[dict[str, Any]]()
        for parameters, earlier in runs:
            its_id = str(uuid4())
            of_run = [self._earlier(state, earlier) | {"id": str(uuid4())} for state in self._states]
            for state in of_run:
                details = state["state_details"].replace(self._run["id"], its_id)
                state |= {"flow_run_id": its_id, "state_details": details}
            last = next(
                copy["id"]
                for copy, state in zip(of_run, self._states, strict=True)
                if state["id"] == self._run["state_id"]
            )
            own = {"id": its_id, "state_id": last, "parameters": json.dumps({**parameters})}
            copied.append(self._earlier(self._run, earlier) | own)
            states += of_run
        self._insert("flow_run", copied)
        self._insert("flow_run_state", states)

    def _rows(self, table: str, column: str, value: str) -> list[dict[str, Any]]:
        found = self._connection.execute(f"select * from {table} where {column} = ?", (value,))  # noqa: S608
        names = [name for name, *_ in found.description]
        return [dict(zip(names, row, strict=True)) for row in found]

    def _insert(self, table: str, rows: Sequence[dict[str, Any]]) -> None:
        names = [*rows[0]]
        values = ", ".join(f":{name}" for name in names)
        self._connection.executemany(f"insert into {table} ({', '.join(names)}) values ({values})", rows)  # noqa: S608

    def _earlier(self, row: dict[str, Any], earlier: timedelta) -> dict[str, Any]:
        moments = {name: row[name] for name in _MOMENTS if row.get(name)}
        return row | {name: _column(_moment(text) - earlier) for name, text in moments.items()}


def _way_to(state: str, *, started: bool) -> list[str]:
    """The states after SCHEDULED on the way that a worker takes."""
    if state == "SCHEDULED":
        return []
    before = ["PENDING", "RUNNING"] if started or state in _STARTED else ["PENDING"] if state == "CANCELLING" else []
    return [*(step for step in before if step != state), state]


def _moment(column: str) -> datetime:
    return datetime.fromisoformat(column).replace(tzinfo=UTC)


def _column(moment: datetime) -> str:
    """A moment as SQLAlchemy writes it in SQLite."""
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f")
