"""What is read of subjects for their repairs, and what of it is left to people where a policy would approve."""

from datetime import timedelta

import pytest

from activities.repairing import Now, Reader, RepairJob
from dev.demo.stuck_uploads.cases import CASES
from profiles.stuck_uploads.facts import VideoFacts
from reconciliation.finding import Finding
from reconciliation.repair_plan import LeftOut, Named
from reconciliation.rules import Judgement
from tests.activities.policy_world import KIND, MENDED, PROFILE, PolicyWorld
from tests.profiles.stuck_uploads.world import AS_OF, audit_of, run, video

[LOST] = (case for case in CASES if case.expected == "run_lost")
ASKED = "It is unknown history: a person must be asked first."
ENOUGH = "3 of its runs have ended, and it is as it was: a person must look before there is another."


@pytest.mark.parametrize("by_policy", [True, False])
@pytest.mark.parametrize(("verdict", "runs", "why"), [("unknown_history", 0, ASKED), (MENDED, 3, ENOUGH)])
async def test_what_is_for_people_is_left_out_of_the_plan_of_a_policy_and_not_of_that_of_a_person(
    verdict: str, runs: int, why: str, *, by_policy: bool
) -> None:
    world, audit = PolicyWorld(), audit_of(PROFILE)
    record = await world.proposing(at=world.now, by_policy=by_policy)
    ended = tuple(run(LOST, LOST.runs[0], number) for number in range(runs))
    minutes = timedelta(minutes=5)
    facts = VideoFacts(video(LOST), PROFILE.dialect, audit.clock, minutes, minutes, ended, (), ())
    [rule] = (rule for _, rule in PROFILE.verdicts() if rule.verdict == verdict)
    subject = Named(KIND, LOST.video_id)
    finding = Finding(PROFILE.kinds[0], subject.id, facts, Judgement(rule, rule.severity))
    now = Now(PROFILE, all_read=True, taken_at=AS_OF, verdicts={subject: verdict}, findings={subject: finding})
    found = await Reader(RepairJob(world.services, record, PROFILE), now).change(1, subject)
    assert isinstance(found, LeftOut)  # nobody has read the deployment here
    assert (found.why == why) is by_policy
    assert not found.for_now
