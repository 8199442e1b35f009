"""Starting one run for a video: the conversation with Prefect.

What makes it one run, whoever else is at it: the run is created under an idempotency key, for which Prefect makes one
run and no other; it is scheduled ahead, further than a worker looks, so that it can be taken back once everybody's runs
were looked at again; and what a worker may have taken is never taken back.
"""

from collections.abc import Generator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, TypeVar

from profiles.stuck_uploads.answers import Json, PagesOfRuns, list_in, object_in, text_in, video_named_in
from profiles.stuck_uploads.keys import video_id
from profiles.stuck_uploads.prefect import ACTIVE
from profiles.stuck_uploads.registered import Registered
from profiles.stuck_uploads.runs import CANCELLED, PROCESS, SCHEDULED, TERMINAL
from reconciliation.effects import Ended, Ending, Once, Values
from reconciliation.errors import AuditError, ListingError
from reconciliation.queries import HttpAnswer, HttpCall
from reconciliation.times import from_text, to_text

AHEAD = timedelta(seconds=90)
"""How far ahead a run is scheduled: a worker takes runs that are due within ten seconds, as long as nobody set more."""
LEAST_TIME = timedelta(seconds=30)
"""A run that is due sooner may be taken any moment, and is not cancelled any more."""
MOST_SECONDS = 45
"""As long as all of it takes: then there is time to call our run off, for whoever settles what a dead worker did."""
TAG, OF_VIDEO, OF_EFFECT = "recovery", "video:", "recovery-op:"
_MOST_PAGES = 1000
_TRIES = 3
_FOUND, _CREATED, _NOT_FOUND = 200, 201, 404

ResultT = TypeVar("ResultT")
Talk = Generator[HttpCall, HttpAnswer, ResultT]


def key_of(namespace: str, deployment: str, video: str, generation: int) -> str:
    """The idempotency key of a run. Its scope is the flow, which several environments share: so it names the namespace
    and the deployment, too. A key is bound to its run for ever, also when that has failed: hence the generation.
    """
    return f"rec:{namespace}:{deployment}:{video}:g{generation}"


def generation_after(keys: Sequence[str], namespace: str, deployment: str, video: str) -> int:
    """One more than the highest generation among these keys of this video; 0 if there is none. Never their number: a
    run in between may have been deleted, and then the count would name a key that is taken.
    """
    start = key_of(namespace, deployment, video, 0)[:-1]
    numbers = [key.removeprefix(start) for key in keys if key.startswith(start)]
    return 1 + max((int(number) for number in numbers if number.isdecimal()), default=-1)


def start(values: Values, once: Once) -> Talk[Ended]:
    """Create the run, unless another one is active or has just ended, and look again whether it stayed the only one."""
    conversation = _Start(values, once)
    refused = yield from conversation.look()
    if refused is not None:
        return refused
    run = yield from conversation.create(_number(values, "generation"))
    if isinstance(run, Ended):
        return run
    return (yield from conversation.look_again(run))


def started(values: Values, once: Once) -> Talk[Values | None]:
    """What ``start`` left, if it created its run and that stayed. Whoever created it may have died before looking again
    for others: this does, as long as there is time.
    """
    wanted = {
        "operator": "and_",
        "deployment_id": {"any_": [values["deployment_id"]]},
        "tags": {"all_": [OF_EFFECT + once.id("run")]},
    }
    answer = yield HttpCall("/flow_runs/filter", {"flow_runs": wanted})
    runs = [run for run in list_in(answer) if not _was_called_off(run)]
    if not runs:
        return None
    if runs[0].get("state_type") == SCHEDULED:
        conversation = _Start(values, once)
        conversation.hears(answer)
        ended = yield from conversation.look_again(runs[0])
        return ended.left if ended.ending.is_applied else None
    return _left(runs[0])


class _Start:
    """One conversation; ``now`` is Prefect's own clock, as of the last answer."""

    def __init__(self, values: Values, once: Once) -> None:
        self._deployment, self._video = str(values["deployment_id"]), str(values["video_id"])
        self._values, self._tag = values, OF_EFFECT + once.id("run")
        self._now: datetime | None = None
        self._nameless: str | None = None

    @property
    def now(self) -> datetime:
        if self._now is None:
            raise ListingError("Prefect does not tell its time (the header Date), so that nothing can be scheduled.")
        return self._now

    def look(self) -> Talk[Ended | None]:
        """Why no run is to be made; None if nothing stands against one."""
        answer = yield from self._ask(HttpCall(f"/deployments/{self._deployment}", expects=(_FOUND, _NOT_FOUND)))
        if answer.status == _NOT_FOUND:
            return Ended(Ending.REFUSED, "There is no such deployment where runs are to be created.")
        flow = text_in(object_in(answer), "flow_id")
        active = yield from self._runs(flow, state={"type": {"any_": list(ACTIVE)}})
        if self._nameless is not None:
            return Ended(Ending.REFUSED, f"Run {self._nameless} is active and does not say of which video it is.")
        ours = [run for run in active if self._is_ours(run)]
        if ours:
            return Ended(Ending.ALREADY_DONE, "Its run had been created before.", _left(ours[0]))
        if active:
            return Ended(Ending.SOMEONE_ELSE_MOVED, f"active_flow_runs: run {active[0].get('id')} of it is active.")
        since = self.now - timedelta(minutes=_number(self._values, "recent_minutes"))
        ended = yield from self._runs(flow, end_time={"after_": to_text(since)})
        recent = [run for run in ended if not _was_called_off(run)]
        if recent:
            return Ended(Ending.REFUSED, f"recent_run: run {recent[0].get('id')} of it has just ended.")
        return None

    def create(self, generation: int, *, again: bool = True) -> Talk[Json | Ended]:
        """The run that was created, or is there under our own key; an ``Ended`` where it is another's, or is over."""
        key = key_of(str(self._values["namespace"]), self._deployment, self._video, generation)
        answer = yield from self._ask(
            HttpCall(
                f"/deployments/{self._deployment}/create_flow_run",
                {
                    "parameters": {
                        "video_id": self._values["video_id"],
                        "tenant_id": self._values["tenant_id"],
                        "storage_key": self._values["storage_key"],
                    },
                    "tags": [TAG, OF_VIDEO + self._video, self._tag],
                    "idempotency_key": key,
                    "state": {"type": "SCHEDULED", "state_details": {"scheduled_time": to_text(self.now + AHEAD)}},
                },
                expects=(_FOUND, _CREATED),
                changes=True,
            )
        )
        run = object_in(answer)
        if not self._is_of_video(run):
            return Ended(Ending.REFUSED, f"The key {key} belongs to a run of another deployment or video.")
        if answer.status == _CREATED or self._is_ours(run):
            return run
        if run.get("state_type") not in TERMINAL:
            return Ended(Ending.SOMEONE_ELSE_MOVED, f"active_flow_runs: run {run.get('id')} was created meanwhile.")
        if not again:
            return Ended(Ending.REFUSED, f"The keys of two generations are those of runs that are over ({key}).")
        refused = yield from self.look()
        if refused is not None:
            return refused
        return (yield from self.create(generation + 1, again=False))

    def look_again(self, run: Json) -> Talk[Ended]:
        """The ending, once it is clear which of the runs of the video stays."""
        active = yield from self._runs(text_in(run, "flow_id"), state={"type": {"any_": list(ACTIVE)}})
        others = [one for one in active if one.get("id") != run.get("id")]
        rivals = [one for one in others if not self._comes_after(one, run)]
        if not rivals:
            return Ended(Ending.DONE, left=_left(run))
        if not _can_be_cancelled(next((one for one in active if one.get("id") == run.get("id")), run), self.now):
            why = f"Run {rivals[0].get('id')} is active too; ours is too close to its beginning to be cancelled."
            return Ended(Ending.DONE, why, _left(run))
        cancelled = yield from cancel(str(run.get("id")))
        if cancelled:
            why = f"active_flow_runs: run {rivals[0].get('id')} came first; ours was cancelled before it began."
            return Ended(Ending.SOMEONE_ELSE_MOVED, why)
        why = f"Run {rivals[0].get('id')} is active too; ours could not be cancelled."
        return Ended(Ending.DONE, why, _left(run))

    def _comes_after(self, other: Json, run: Json) -> bool:
        """True for a run of another recovery that gives way to ours; one that somebody else has created never does."""
        is_of_a_repair = any(str(tag).startswith(OF_EFFECT) for tag in other.get("tags") or ())
        if not is_of_a_repair or other.get("state_type") != SCHEDULED:
            return False
        return _age(other) > _age(run)

    def _is_ours(self, run: Json) -> bool:
        return self._tag in (run.get("tags") or ())

    def _is_of_video(self, run: Json) -> bool:
        return run.get("deployment_id") == self._deployment and _video_of(run) == self._video

    def _runs(self, flow: str, **wanted: Mapping[str, Any]) -> Talk[list[Json]]:
        """All runs of the video that match; there is no filter on parameters, so those of the flow are read."""
        found: dict[str, Json] = {}
        registered = Registered({self._deployment: PROCESS}, {flow: PROCESS})
        pages = PagesOfRuns(registered.flows, {"operator": "and_", **wanted})
        for _ in range(_MOST_PAGES):
            page = pages.take((yield from self._ask(pages.call)))
            if not page:
                return sorted(found.values(), key=_age)
            for run in page:
                video = _video_of(run)
                may_be_it = video == self._video or (not video and run.get("state_type") not in TERMINAL)
                if not may_be_it or (yield from registered.of(run)) is None:
                    continue
                if video:
                    found[text_in(run, "id")] = run
                else:
                    self._nameless = text_in(run, "id")
        raise ListingError("Prefect has no end of runs.")

    def _ask(self, call: HttpCall) -> Talk[HttpAnswer]:
        answer = yield call
        self.hears(answer)
        return answer

    def hears(self, answer: HttpAnswer) -> None:
        """Takes the time from an answer."""
        self._now = answer.at or self._now


def cancel(run_id: str) -> Talk[bool]:
    """Cancel a run that is only scheduled; True if it is cancelled then.

    Prefect *rejects* this for such a run and puts it right into CANCELLED, and *aborts* it for one that has ended; one
    that a worker has taken would be broken off, so it is not asked for that. If its answer gets lost, a worker may take
    the run until it is asked again: so what became of the run is read before each try.
    """
    body = {"state": {"type": "CANCELLING"}, "force": False}
    for _ in range(_TRIES):
        answer = yield _run(run_id)
        if answer.status == _NOT_FOUND or answer.at is None:
            return False
        run = object_in(answer)
        if not _can_be_cancelled(run, answer.at):
            return text_in(run, "state_type") == CANCELLED
        try:
            yield HttpCall(f"/flow_runs/{run_id}/set_state", body, (_FOUND, _CREATED), changes=True, once=True)
        except AuditError:
            continue
        break
    return (yield from state_of(run_id)) == CANCELLED


def state_of(run_id: str) -> Talk[str | None]:
    """The state of a run; None if there is none of that id."""
    answer = yield _run(run_id)
    return None if answer.status == _NOT_FOUND else text_in(object_in(answer), "state_type")


def _run(run_id: str) -> HttpCall:
    return HttpCall(f"/flow_runs/{run_id}", expects=(_FOUND, _NOT_FOUND))


def _can_be_cancelled(run: Json, now: datetime) -> bool:
    """True if no worker can have taken it, nor is about to."""
    due = from_text(text_in(run, "expected_start_time"))
    return run.get("state_type") == SCHEDULED and due - now >= LEAST_TIME


def _video_of(run: Json) -> str:
    """The id of the video that its parameters name; "" if they name none."""
    return video_id(video_named_in(run))


def _was_called_off(run: Json) -> bool:
    """True for a run that was cancelled before it began: it has done nothing."""
    return run.get("state_type") == CANCELLED and not run.get("run_count")


def _age(run: Json) -> tuple[str, str]:
    """What decides which of several runs stays: the earliest created, then that with the lower id."""
    return text_in(run, "created"), text_in(run, "id")


def _left(run: Json) -> Values:
    return {"run_id": text_in(run, "id"), "key": str(run.get("idempotency_key") or "")}


def _number(values: Values, name: str) -> int:
    value = values[name]
    if type(value) is not int:
        raise ListingError(f"The effect's {name} is no number.")
    return value
