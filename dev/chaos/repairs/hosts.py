"""Races over HTTP: two hosts with one run store, each of which has never heard of the other's orchestrations."""

import asyncio
import json
import random
import signal
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from http import HTTPStatus
from pathlib import Path
from typing import Any, Self

from azure.core.exceptions import ResourceNotFoundError
from azure.storage.blob import BlobServiceClient, ContainerClient

from dev.chaos.hosting import KillableHost
from dev.chaos.proxy import on_a_thread
from dev.chaos.repairs.gate import Armed, Gate, Moment, gate
from dev.chaos.repairs.judging import Told, judge
from dev.chaos.repairs.race import Race, Results, broken_by, draw_races
from dev.chaos.repairs.rivals import Stands, Waiting, write
from dev.chaos.repairs.world import Database, Session, held_of, reset
from reconciliation.effects import Ended, Ending

PROPOSER, APPROVERS, REASON = "Ann", ("Bob", "Carol"), "Played back: it is the hearing."
PAIRS = 4
DEADLINE_SECONDS = 150.0
FROZEN_SECONDS = 7.0
POLL_SECONDS = 0.2
MOST_SECONDS_TO_WAIT = 20.0
BETWEEN_WATCHES = 3.0
_PROFILE = "pre-capture-sessions"
_ENDED = {"stopped", "applied", "partly_applied", "failed", "rejected", "expired", "undone"}


@dataclass(frozen=True)
class Place:
    """Where the hosts run: the database, the storage accounts and the folder for what they keep."""

    database: Database
    source: str
    store: str
    folder: Path


@dataclass
class Pair:
    """Two hosts with one run store, each behind a gate of its own; repairs are made one after another."""

    place: Place
    hosts: Sequence[KillableHost]
    gates: Sequence[Gate]
    run_store: ContainerClient
    chance: random.Random
    results: Results
    audit_id: str = ""
    _out: set[int] = field(default_factory=set)

    @classmethod
    @contextmanager
    def running(cls, place: Place, number: int, results: Results) -> Iterator[Self]:
        """Run them until the block ends."""
        container = f"pair-{number}"

        @asynccontextmanager
        async def gates() -> AsyncIterator[list[Gate]]:
            async with AsyncExitStack() as stack:
                yield [await stack.enter_async_context(gate(place.database.port)) for _ in range(2)]

        with ExitStack() as stack:
            two = stack.enter_context(on_a_thread(gates))
            hosts = []
            for at, one in enumerate(two):
                url = place.database.through(one.port)
                settings = {
                    "SOURCE_STORAGE": place.source,
                    "REPORT_STORAGE": place.store,
                    "AUDIT_REPORT_CONTAINER": container,
                    "PRE_DATABASE": url,
                    "PRE_REPAIR_DATABASE": url,
                    "AUDIT_SETTLE_MINUTES": "0",
                    "AUDIT_REPAIR_CLOSED_HOURS": "none",
                    "AUDIT_REPAIR_SECOND_LOOK_SECONDS": "1",
                    "AUDIT_REPAIR_DEADLINE_SECONDS": "5",
                }
                host = KillableHost(settings, place.folder / f"pair-{number}-{at}")
                host.start()
                stack.callback(host.stop)
                hosts.append(host)
            service = stack.enter_context(BlobServiceClient.from_connection_string(place.store))
            client = service.get_container_client(container)
            yield cls(place, hosts, two, client, random.Random(number), results)  # noqa: S311 - reproducible

    def audit(self) -> None:
        """Find what is to be repaired."""
        host, last = self.hosts[0], time.monotonic() + DEADLINE_SECONDS
        begun = _document(host, "POST", "/audits")
        assert begun is not None
        self.audit_id = begun["id"]
        while (_document(host, "GET", f"/audits/{self.audit_id}") or begun)["state"] != "completed":
            if time.monotonic() > last:
                raise TimeoutError("the audit before the races did not end")
            time.sleep(POLL_SECONDS)

    # --- one race -------------------------------------------------------------------------------------------------

    def run(self, race: Race, *, outage: bool = False) -> None:
        """Run one repair, and judge it. ``outage``: whoever is killed stays away until the other one has ended it."""
        session, url = race.session, self.place.database.owner_url
        reset(url, session)
        repair = self._proposed(session)
        if repair is None:
            return
        if race.rival is not None and race.before:
            write(url, race.rival, session)
        waiting = Waiting(url, race.rival, session) if race.rival is not None and not race.before else None
        armed = self._arm(race.moment)
        stands = Stands.COMMITTED if race.before else None
        with ThreadPoolExecutor(1) as pool:
            ended = pool.submit(self._until_ended, repair, race, outage)
            if waiting is not None:
                stands = waiting.end(
                    commits=race.commits, hold_seconds=0, most_seconds=MOST_SECONDS_TO_WAIT, all_ended=ended.done
                )
            view = ended.result()
        for one in self.gates:
            one.armed = None
        with self.results.lock:
            for disturbance in armed:
                self.results.disturbed[disturbance.moment.value] += disturbance.happened
        if view is None:
            self.results.stick(f"{repair['id']} did not end in {DEADLINE_SECONDS:g} s")
            return
        told = [self._told(view, race)]
        held = held_of(url, session)
        # What reading it again has refused says so in words of its own.
        got_there = told[0].is_applied or told[0].is_refused_in_statement
        self.results.add(told, stands, judge(told, held, broken_by(race, stands) if got_there else ()))

    def _proposed(self, session: Session) -> dict[str, Any] | None:
        last = time.monotonic() + DEADLINE_SECONDS
        body = {"by": PROPOSER, "findings": [str(session.session)]}
        repair: dict[str, Any] | None = None
        while time.monotonic() < last:
            host = self._any_host()
            if repair is None:
                repair = _document(host, "POST", f"/audits/{self.audit_id}/repairs", body)
                continue
            view = _document(host, "GET", f"/repairs/{repair['id']}")
            if view is not None and view["state"] == "proposed":
                return view
            if view is not None and view["state"] == "failed":
                repair = None  # its host was killed in the middle, or a rival of the race before still shows
            time.sleep(POLL_SECONDS)
        self.results.stick(f"session {session.session} got no plan: {repair}")
        return None

    def _arm(self, moment: Moment | None) -> list[Armed]:
        if moment is None:
            return []
        armed = []
        for host, one in zip(self.hosts, self.gates, strict=True):
            one.armed = Armed(moment, _Doing(host, moment))
            armed.append(one.armed)
        return armed

    def _until_ended(self, repair: dict[str, Any], race: Race, outage: bool) -> dict[str, Any] | None:
        """Approve it at both hosts at once, and see it through."""
        path, last, watched = f"/repairs/{repair['id']}", time.monotonic() + DEADLINE_SECONDS, time.monotonic()
        if race.unapproved:
            return self._not_approved(repair, path)
        approved = False
        while time.monotonic() < last:
            self._start_again(outage)
            if not approved:
                approved = self._approve(repair, path)
            view = _document(self._any_host(), "GET", path)
            if view is not None and view["state"] in _ENDED:
                self._out.clear()
                return view
            if view is not None and view["state"] == "proposed":
                approved = False
            if time.monotonic() - watched > BETWEEN_WATCHES:
                watched = time.monotonic()
                for host in self.hosts:
                    if not host.has_died:
                        host.fire("watchdog")
            time.sleep(POLL_SECONDS)
        return None

    def _approve(self, repair: dict[str, Any], path: str) -> bool:
        """True once it is approved. What must not go through is tried on the way."""
        wrong = {"digest": "0" * 64, "by": APPROVERS[0], "reason": REASON}
        own = {"digest": repair["digest"], "by": PROPOSER, "reason": REASON}
        for body in (wrong, own):
            response = self._any_host().request("POST", f"{path}/approve", body)
            if response is not None and response.status_code == HTTPStatus.ACCEPTED:
                self.results.crash(f"{repair['id']} was approved with {body}")
        with ThreadPoolExecutor(len(APPROVERS)) as pool:
            bodies = [own | {"by": name} for name in APPROVERS]
            responses = list(
                pool.map(
                    lambda one: one[0].request("POST", f"{path}/approve", one[1]), zip(self.hosts, bodies, strict=True)
                )
            )
        codes = [response.status_code for response in responses if response is not None]
        if codes.count(HTTPStatus.ACCEPTED) > 1:
            self.results.crash(f"{repair['id']} was approved twice")
        return bool(codes)

    def _not_approved(self, repair: dict[str, Any], path: str) -> dict[str, Any] | None:
        """A plan that is changed after it was made, and then rejected; nobody can approve it."""
        blob = self.run_store.get_blob_client(f"{_PROFILE}{path}/plan.json")
        plan = blob.download_blob().readall()
        blob.upload_blob(plan.replace(b"PT", b"PX") + b" ", overwrite=True)
        for digest in (repair["digest"], "0" * 64):
            body = {"digest": digest, "by": APPROVERS[0], "reason": REASON}
            response = self._any_host().request("POST", f"{path}/approve", body)
            if response is not None and response.status_code == HTTPStatus.ACCEPTED:
                self.results.crash(f"{repair['id']} was approved with another plan")
        blob.upload_blob(plan, overwrite=True)
        body = {"digest": repair["digest"], "by": APPROVERS[0], "reason": REASON}
        last = time.monotonic() + DEADLINE_SECONDS
        while time.monotonic() < last:
            host = self._any_host()
            host.request("POST", f"{path}/reject", body)
            view = _document(host, "GET", path)
            if view is not None and view["state"] == "rejected":
                host.request("POST", f"{path}/approve", body)
                return view
        return None

    def _start_again(self, outage: bool) -> None:
        for at, host in enumerate(self.hosts):
            if host.has_died and not (outage and at in self._out):
                if outage and not self._out:
                    self._out.add(at)
                    continue
                host.kill()

    def _any_host(self) -> KillableHost:
        alive = [host for host in self.hosts if not host.has_died]
        return self.chance.choice(alive or self.hosts)

    def _told(self, view: dict[str, Any], race: Race) -> Told:
        [change] = view["plan"]["changes"]
        ended = None
        for one in view["ledger"]:
            ended = Ended(Ending(one["ending"]), one["why"])
        return Told(
            view["id"],
            not race.unapproved,
            race.session.session,
            change["seen"]["container"],
            self._deadline(view["id"]),
            ended,
        )

    def _deadline(self, repair_id: str) -> datetime | None:
        path = f"{_PROFILE}/repairs/{repair_id}/ledger/0001-1.intended.json"
        try:
            value = json.loads(self.run_store.download_blob(path).readall())
        except ResourceNotFoundError:
            return None
        return datetime.fromisoformat(value["deadline"])


class _Doing:
    """What a gate does to its host."""

    def __init__(self, host: KillableHost, moment: Moment) -> None:
        self._host, self._moment = host, moment

    async def __call__(self) -> None:
        if self._moment.kills:
            self._host.signal(signal.SIGKILL)
        if self._moment.freezes:
            self._host.signal(signal.SIGSTOP)
            await asyncio.sleep(FROZEN_SECONDS)
            self._host.signal(signal.SIGCONT)


def _document(host: KillableHost, method: str, path: str, body: object = None) -> dict[str, Any] | None:
    response = host.request(method, path, body)
    if response is None or response.status_code not in {HTTPStatus.OK, HTTPStatus.ACCEPTED}:
        return None
    document: dict[str, Any] = response.json()
    return document


def run_pairs(place: Place, sessions: Sequence[Session], repairs: int, seed: str, results: Results) -> None:
    """Run so many races by pairs of hosts, each with sessions of its own; the last of each with a long outage."""

    def run(number: int) -> None:
        own, chance = sessions[number::PAIRS], random.Random(f"{seed} {number}")  # noqa: S311 - reproducible
        with Pair.running(place, number, results) as pair:
            pair.audit()
            for race in draw_races(chance, own, len(range(number, repairs, PAIRS)) - 1):
                pair.run(race)
            pair.run(Race(own[0], moment=Moment.KILLED_AFTER_COMMIT), outage=True)
        for host in pair.hosts:
            for line in host.unexplained:
                results.crash(line)

    with ThreadPoolExecutor(PAIRS) as pool:
        list(pool.map(run, range(PAIRS)))
