"""The campaign in small, as ``make chaos-quick`` runs it; and the parts of it that can be tried alone."""

import json
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from dev.chaos.__main__ import Quota
from dev.chaos.campaign import TOLERANCE, Plan, draw_plan
from dev.chaos.faults import LIES, Fault
from dev.chaos.hosting import unexplained
from dev.chaos.world import PAGE_SIZE, chaos_cases, chaos_containers, truth_of

ROOT = Path(__file__).parents[3]


def campaign(audits: int) -> dict[str, Any]:
    """The summary of a campaign in which nothing was wrong."""
    command = [sys.executable, "-m", "dev.chaos", "--audits", str(audits), "--repairs", "0", "--starts", "0"]
    command += ["--seed", "11"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=470, check=False)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
    summary: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    assert summary["audits"] == audits
    return summary


@pytest.mark.deep
@pytest.mark.timeout(480)
def test_twenty_audits_on_a_bad_day_suffer_every_sort_of_fault_and_tell_the_truth() -> None:
    summary = campaign(20)
    assert (summary["kills"] >= 5, summary["worker_crashes"] >= 5) == (True, True)
    faults = summary["faults"]
    assert sum(faults.values()) > 100
    assert faults[Fault.WRONG_SHAPE] > 0
    assert sum(faults.get(fault, 0) for fault in LIES) > 0
    assert (faults[Fault.FUTURE_BLOBS] > 0, faults[Fault.CLOCK_AHEAD] > 0) == (True, True)


def test_a_quota_is_met_when_every_audit_suffers_what_it_draws() -> None:
    chance = random.Random(1)
    quota = Quota(60, 200)
    for number in range(200):
        quota.left -= quota.draw(chance)
        quota.audits = 199 - number
    assert quota.left == 0


def test_what_a_bad_day_does_not_explain_is_found_in_a_log() -> None:
    log = """
[2026-11-24T07:51:24.983Z] INFO Audit a: rows pulled
[2026-11-24T07:51:24.983Z] WARNING Orchestration 'a': Activity function 'pull' failed: python exited with code 137
[2026-11-24T07:51:24.983Z] ERROR Audit a failed in step pull: storage answered 403
[2026-11-24T07:51:24.983Z] ERROR Executed 'Functions.get_audit' (Failed)
python exited with code 137
[2026-11-24T07:55:00.012Z] ERROR Executed 'Functions.watchdog' (Failed)
Traceback (most recent call last):
  File "a.py", line 1, in <module>
reconciliation.errors.StorageRefusedError: Cannot read in container 'chaos-5' of REPORT_STORAGE: storage answered 403.
[2026-11-24T07:51:24.983Z] WARNING Orchestration 'a': Activity function 'report' failed:  TypeError: no
[2026-11-24T07:51:24.983Z] ERROR A request ended in an unexpected error
Traceback (most recent call last):
KeyError: 'x'
"""
    assert unexplained(log) == [
        "[2026-11-24T07:51:24.983Z] WARNING Orchestration 'a': Activity function 'report' failed:  TypeError: no",
        "[2026-11-24T07:51:24.983Z] ERROR A request ended in an unexpected error ... KeyError: 'x'",
    ]


def test_plans_differ_in_what_holds_throughout_and_the_same_seed_draws_the_same() -> None:
    cases = chaos_cases()
    truth = truth_of(cases, chaos_containers(cases))

    def drawn(seed: int) -> Plan:
        return draw_plan(random.Random(seed), truth, rate=None, kills=0, crashes=0)

    plans = [drawn(seed) for seed in range(200)]
    assert drawn(7) == plans[7]
    future = [plan.conditions.future for plan in plans if plan.conditions.future]
    assert 40 < len(future) < 100
    assert all(blobs and blobs <= truth.containers[name] for chosen in future for name, blobs in chosen.items())
    ahead = [plan.conditions.clock_ahead for plan in plans if plan.conditions.clock_ahead]
    assert 40 < len(ahead) < 100
    assert {abs(span) > TOLERANCE for span in ahead} == {True, False}
    assert 60 < sum(plan.conditions.truthful for plan in plans) < 140
    assert {plan.conditions.containers for plan in plans} == {frozenset(truth.containers)}


def test_the_truth_names_every_session_and_container_once() -> None:
    cases = chaos_cases()
    containers = chaos_containers(cases)
    truth = truth_of(cases, containers)
    assert len(truth.containers) == len(containers)
    assert truth.candidates <= truth.sessions.keys()
    assert len(truth.sessions) > 25
    assert len(truth.unreadable) == 3
    # A page with one container alone, and a lie about it: no second listing could tell.
    assert len(containers) % PAGE_SIZE > 3
