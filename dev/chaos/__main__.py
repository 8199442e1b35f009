"""``python -m dev.chaos``: hundreds of audits on a bad day, each judged against what was planted; then a thousand
repairs that race with each other and with everybody else, judged against the database itself; and five hundred that
start runs of stuck uploads, judged against Prefect itself.
"""

import argparse
import json
import random
import sys
import tempfile
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from dev.chaos.campaign import AuditEnd, Campaigner, draw_plan
from dev.chaos.faults import Fault
from dev.chaos.judging import Truth, Wrong
from dev.chaos.lane import Lane, Servers
from dev.chaos.repairs.campaign import run_repairs
from dev.chaos.repairs.race import Results
from dev.chaos.stuck_uploads import race as starts_race
from dev.chaos.stuck_uploads.campaign import run_starts
from dev.chaos.world import chaos_cases, chaos_containers, truth_of, write_account
from dev.demo.cases import Case
from dev.devstack.azurite import azurite
from dev.devstack.postgres import PostgresServer, postgres
from dev.devstack.stub import stubbed_storage

# Of 200 audits, at least 60 are to be hit by each.
SHARE = 0.31
MOST_IN_ONE_AUDIT = 3
WHOLE = 1000
"""Of so many repairs, enough must have been tried of everything."""
WHOLE_STARTS = 500
"""Of so many repairs that start a run, too."""


@dataclass
class Quota:
    """How many kills or crashes are still to come; shared by the lanes."""

    left: int
    audits: int

    def draw(self, chance: random.Random) -> int:
        """How many the next audit is to suffer: the rest spread over what is left, and a few more."""
        expected = 1.3 * self.left / max(1, self.audits)
        number = int(expected) + (chance.random() < expected % 1)
        return min(self.left, number, MOST_IN_ONE_AUDIT)


@dataclass
class Campaign:
    """What is common to all lanes, and what came out so far."""

    audits: int
    seed: int
    rate: float | None
    truth: Truth
    kills: Quota
    crashes: Quota
    ends: list[AuditEnd] = field(default_factory=list)
    started: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def run_lane(self, lane: Lane) -> None:
        """Run audits in a lane until there are none left."""
        while True:
            with self.lock:
                if self.started >= self.audits:
                    return
                number, self.started = self.started, self.started + 1
                chance = random.Random(f"{self.seed} {number}")  # noqa: S311 - reproducible
                kills, crashes = self.kills.draw(chance), self.crashes.draw(chance)
                self._spend(-kills, -crashes)
                self.kills.audits, self.crashes.audits = self.audits - number - 1, self.audits - number - 1
            plan = draw_plan(chance, self.truth, rate=self.rate, kills=kills, crashes=crashes)
            end = Campaigner(lane, self.truth, plan).run()
            with self.lock:
                self._spend(kills - end.kills, crashes - end.crashes)  # what came too late is for another audit
                self.ends.append(end)
                _print_row(number + 1, plan.rate, end)

    def _spend(self, kills: int, crashes: int) -> None:
        self.kills.left += kills
        self.crashes.left += crashes


def main(arguments: list[str]) -> int:
    """0 if nothing was wrong, 1 if something was."""
    parser = argparse.ArgumentParser(prog="chaos", description="Audits and repairs under faults, kills and rivals.")
    parser.add_argument("--audits", type=int, default=200)
    parser.add_argument("--repairs", type=int, default=1000, help="after the audits; a fifth of them over HTTP")
    parser.add_argument("--starts", type=int, default=500, help="repairs that start runs of stuck uploads, after those")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--rate", type=float, help="of faults, 0 to 0.3 (default: drawn for each audit)")
    parser.add_argument("--lanes", type=int, default=6, help="audits that run at once, each on a host of its own")
    given = parser.parse_args(arguments)
    begun = time.monotonic()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="capture-audit-chaos-")))
        server = stack.enter_context(postgres())
        summary = audits(server, folder, given) if given.audits else {}
        repairs = run_repairs(server, folder, given.repairs, given.seed) if given.repairs else Results()
        starts = run_starts(server, folder, given.starts, given.seed) if given.starts else starts_race.Results()
    too_few = repairs.too_few if given.repairs >= WHOLE else []
    too_few += starts.too_few if given.starts >= WHOLE_STARTS else []
    summary |= repairs.summary() | starts.summary()
    summary |= {"too_few": too_few, "seconds": round(time.monotonic() - begun, 1)}
    for name in too_few:
        print(f"! too few: {name}")
    print(json.dumps(summary))
    wrong = too_few or any(summary.get(name) for name in ("wrong_reports", "silent_gaps", "stuck", "crashes"))
    return 1 if wrong or repairs.is_wrong or starts.is_wrong else 0


def audits(server: PostgresServer, folder: Path, given: argparse.Namespace) -> dict[str, object]:
    """Run the audits, print a row for each, and return the summary."""
    number, seed, rate, lanes = given.audits, given.seed, given.rate, given.lanes
    cases = chaos_cases()
    containers = chaos_containers(cases)
    quota = round(number * SHARE)
    run = Campaign(number, seed, rate, truth_of(cases, containers), Quota(quota, number), Quota(quota, number))
    with ExitStack() as stack:
        account = folder / "account.jsonl"
        write_account(account, containers)
        servers = Servers(
            server, stack.enter_context(azurite()), stack.enter_context(stubbed_storage(["--account", str(account)]))
        )
        print(f"{'audit':>5} {'rate':>5} {'kills':>5} {'crashes':>7} {'resumes':>7} {'seconds':>7}  end", flush=True)
        with ThreadPoolExecutor(lanes) as pool:
            done = [pool.submit(_lane, run, lane, servers, cases, folder) for lane in range(min(lanes, number))]
            lanes_run = [future.result() for future in done]
    return summed(run.ends, lanes_run)


class LaneEnd(NamedTuple):
    """What a lane's host saw: how often each fault, the lines of its log that nothing explains, and how often it ended
    itself because its worker had died too often.
    """

    faults: Counter[Fault]
    unexplained: list[str]
    given_up: int


def _lane(run: Campaign, number: int, servers: Servers, cases: list[Case], folder: Path) -> LaneEnd:
    with Lane.running(number, run.seed * 1000 + number * 10, servers, cases, folder) as lane:
        run.run_lane(lane)
    return LaneEnd(lane.counts, lane.host.unexplained, lane.host.given_up)


def summed(ends: list[AuditEnd], lanes: list[LaneEnd]) -> dict[str, object]:
    """The numbers of the last line; what is wrong is printed before it."""
    unexplained = [text for lane in lanes for text in lane.unexplained]
    bad_responses = [text for end in ends for text in end.bad_responses]
    for text in [*unexplained, *bad_responses]:
        print(f"! {text}")
    total: Counter[str] = Counter()
    for lane in lanes:
        total.update({fault.value: count for fault, count in lane.faults.items()})
    return {
        "audits": len(ends),
        "ends": dict(sorted(Counter(end.state for end in ends).items())),
        "kills": sum(end.kills for end in ends),
        "worker_crashes": sum(end.crashes for end in ends),
        "hosts_given_up": sum(lane.given_up for lane in lanes),
        "faults": dict(sorted(total.items())),
        "resumes": sum(end.resumes for end in ends),
        "wrong_reports": sum(any(p.kind is Wrong.REPORT for p in end.problems) for end in ends),
        "silent_gaps": sum(any(p.kind is Wrong.GAP for p in end.problems) for end in ends),
        "stuck": sum(end.stuck is not None for end in ends),
        "crashes": len(unexplained) + len(bad_responses),
    }


def _print_row(number: int, rate: float, end: AuditEnd) -> None:
    why = f": {end.error[:110]}" if end.error and end.state in {"failed", "stuck"} else ""
    row = f"{number:>5} {rate:>5.0%} {end.kills:>5} {end.crashes:>7} {end.resumes:>7} {end.seconds:>7.1f}"
    print(f"{row}  {end.state}{why}", flush=True)
    for text in [*(f"{p.kind}: {p.text}" for p in end.problems), *([end.stuck] if end.stuck else [])]:
        print(f"! {end.audit_id}: {text}", flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
