"""A crowd that asks one account, whatever happens in whatever order: everything but the sockets, in time that is only a
number.
"""

import asyncio
import gc
from dataclasses import dataclass
from socket import gaierror
from typing import Any

from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from adapters.listing.account import Limits
from adapters.listing.connection import BrokenError, NotHttpError, UnansweredError
from adapters.listing.connections import MOST_OPENING
from adapters.listing.opening import UnreachableError
from adapters.listing.throttle import LEAST_PER_SECOND
from adapters.patience import Patience
from tests.adapters.listing.scripted_server import answer, turns
from tests.adapters.listing.without_network import Network, QuickLoop, Wire

ANY = st.integers(0, 1_000)
"""One of those that there are at that moment."""
# Longer than an opening, than a request, and than what is not needed is kept.
SECONDS = (0.0002, 0.01, 0.3, 2.0, 6.0, 11.0, 40.0)
OUTCOMES = (UnreachableError, gaierror, UnansweredError, BrokenError, NotHttpError, TimeoutError)


@dataclass
class Caller:
    """``sent`` is how often its request was."""

    number: int
    task: asyncio.Task[Any]
    sent: int = 0

    @property
    def waits(self) -> bool:
        return not self.sent and not self.task.done()


class Crowd(RuleBasedStateMachine):
    """The rules are what callers, network and storage may do; after each, all that can go on has gone on."""

    @initialize(
        most=st.sampled_from([1, 2, 5, 20, 40]), ceiling=st.sampled_from([0, 50, 5000]), is_prompt=st.booleans()
    )
    def begin(self, most: int, ceiling: int, is_prompt: bool) -> None:
        self.runner = asyncio.Runner(loop_factory=QuickLoop)
        self.loop = self.runner.get_loop()
        self.missed: list[dict[str, Any]] = []
        self.loop.set_exception_handler(lambda _, context: self.missed.append(context))
        self.most, self.ceiling = most, ceiling
        self.network = Network(is_prompt)
        self.network.on_request = self.sent  # type: ignore[method-assign]
        self.callers: list[Caller] = []
        self.order: list[int] = []
        self.first_again: set[int] = set()
        self.cuts: list[tuple[float, float]] = []

        async def account() -> None:
            self.account = self.network.account(Limits(ceiling, most), Patience())

        self.runner.run(account())
        self.gate = self.account._gate
        self.throttle, self.pool = self.gate._throttle, self.gate._connections
        self.watch_cuts()

    def watch_cuts(self) -> None:
        end_refused = self.throttle.end_refused

        def watched(begun: float, now: float, hint: float | None) -> bool:
            before = self.throttle.per_second
            is_cut = end_refused(begun, now, hint)
            after = self.throttle.per_second
            if is_cut:
                self.cuts.append((begun, now))
            assert is_cut or after == before
            return is_cut

        self.throttle.end_refused = watched  # type: ignore[method-assign]

    def sent(self, wire: Wire) -> None:
        number = self.number_of(wire)
        caller = self.callers[number]
        caller.sent += 1
        if caller.sent == 1:
            self.order.append(number)
            again = {one for one in self.first_again if not self.callers[one].task.done()}
            assert not again, "who lost a connection comes before all others"
        self.first_again.discard(number)

    def number_of(self, wire: Wire) -> int:
        assert wire.request is not None
        return int(wire.request.split(b" ")[1].removeprefix(b"/").removesuffix(b"?"))

    def settle(self, count: int = 16) -> None:
        self.runner.run(turns(count))

    # --- callers ---

    @rule(count=st.integers(1, 30))
    def come(self, count: int) -> None:
        for _ in range(count):
            number = len(self.callers)
            self.callers.append(Caller(number, self.loop.create_task(self.account.get(f"/{number}", "", {}))))
        self.settle()

    @precondition(lambda self: any(caller.waits for caller in self.callers))
    @rule(which=ANY)
    def give_up_waiting(self, which: int) -> None:
        waiting = [caller for caller in self.callers if caller.waits]
        waiting[which % len(waiting)].task.cancel()
        self.settle()

    @precondition(lambda self: self.network.asked)
    @rule(which=ANY)
    def give_up_under_way(self, which: int) -> None:
        wires = self.network.asked
        self.callers[self.number_of(wires[which % len(wires)])].task.cancel()
        self.settle()

    @precondition(lambda self: self.network.asked and any(caller.waits for caller in self.callers))
    @rule(answered=ANY, count=st.integers(0, 3))
    def give_up_while_let_in(self, answered: int, count: int) -> None:
        async def both() -> None:
            self.say(answered, answer())
            await turns(count)
            for caller in [caller for caller in self.callers if caller.waits][:1]:
                caller.task.cancel()

        self.runner.run(both())
        self.settle()

    # --- the network ---

    @precondition(lambda self: self.network.opening)
    @rule(which=ANY, count=st.integers(1, MOST_OPENING))
    def opened(self, which: int, count: int) -> None:
        for _ in range(min(count, len(self.network.opening))):
            self.network.opening[which % len(self.network.opening)].set_result(None)
            self.settle()

    @precondition(lambda self: self.network.opening)
    @rule(which=ANY, error=st.sampled_from([UnreachableError, gaierror]))
    def not_opened(self, which: int, error: type[Exception]) -> None:
        self.network.opening[which % len(self.network.opening)].set_exception(error())
        self.settle()

    @precondition(lambda self: self.network.opening and any(caller.waits for caller in self.callers))
    @rule(which=ANY, count=st.integers(0, 3))
    def give_up_while_not_opened(self, which: int, count: int) -> None:
        async def both() -> None:
            self.network.opening[which % len(self.network.opening)].set_exception(UnreachableError())
            await turns(count)
            for caller in [caller for caller in self.callers if caller.waits][:1]:
                caller.task.cancel()

        self.runner.run(both())
        self.settle()

    @precondition(lambda self: any(wire.is_open for wire in self.network.wires))
    @rule(which=ANY)
    def lost(self, which: int) -> None:
        wires = [wire for wire in self.network.wires if wire.is_open]
        wire = wires[which % len(wires)]
        number = self.number_of(wire) if wire.request else None
        wire.end()
        self.settle()
        if number is not None and number not in map(self.number_of, self.network.asked):
            self.first_again.add(number)

    @rule(seconds=st.sampled_from(SECONDS))
    def time_passes(self, seconds: float) -> None:
        self.runner.run(asyncio.sleep(seconds))
        self.settle()

    # --- storage ---

    @precondition(lambda self: self.network.asked)
    @rule(which=ANY, count=st.integers(1, 40))
    def answered(self, which: int, count: int) -> None:
        for _ in range(min(count, len(self.network.asked))):
            self.say(which, answer())
        self.settle()

    @precondition(lambda self: self.network.asked)
    @rule(which=ANY, count=st.integers(1, 40), hint=st.sampled_from([None, 0, 1, 3600]))
    def refused(self, which: int, count: int, hint: int | None) -> None:
        for _ in range(min(count, len(self.network.asked))):
            self.say(which, answer(b"", 503, *([] if hint is None else [f"Retry-After: {hint}"])))
        self.settle()

    @precondition(lambda self: self.network.asked)
    @rule(which=ANY, said=st.sampled_from([b"HTTP/1.1 200", b"SSH-2.0\r\n\r\n", answer(b"", 500)]))
    def answered_oddly(self, which: int, said: bytes) -> None:
        self.say(which, said)
        self.settle()

    def say(self, which: int, data: bytes) -> None:
        wires = self.network.asked
        wires[which % len(wires)].say(data)

    # --- what always holds ---

    @invariant()
    def no_more_is_under_way_than_may_be(self) -> None:
        assert len(self.pool._all) + len(self.pool._opening) <= self.most
        assert len(self.pool._opening) <= MOST_OPENING
        assert self.throttle._under_way <= min(self.most, self.throttle._window)

    @invariant()
    def they_are_let_in_in_the_order_in_which_they_came(self) -> None:
        assert self.order == sorted(self.order)
        assert not [caller for caller in self.callers if caller.waits and self.order and caller.number < self.order[-1]]

    @invariant()
    def nobody_waits_for_nothing(self) -> None:
        waiting = [turn for turn in self.gate._waiting if not turn.done()]
        now = self.loop.time()
        wait = self.throttle.wait(now)
        if not waiting or wait is None:
            return
        if wait > 0:
            assert self.gate._timer is not None
            assert self.gate._timer.when() <= now + max(wait, 0.001) + 1e-6
        else:
            assert not self.pool._idle
            places = min(len(waiting), MOST_OPENING, self.most - len(self.pool._all))
            assert len(self.pool._opening) >= places
            assert self.pool._opening or self.throttle._under_way

    @invariant()
    def each_place_is_somebodys(self) -> None:
        has_turn = [caller for caller in self.callers if not caller.task.done()]
        waiting = [turn for turn in self.gate._waiting if not turn.done()]
        assert self.throttle._under_way == len(has_turn) - len(waiting)
        assert self.throttle._under_way == sum(connection.is_asked for connection in self.pool._all)
        assert len(self.pool._all) == len(self.pool._idle) + self.throttle._under_way
        assert len(set(self.pool._idle)) == len(self.pool._idle)
        assert all(connection.usable for connection in self.pool._idle)

    @invariant()
    def the_pace_is_within_its_bounds(self) -> None:
        pace = self.throttle.per_second
        ceiling = self.ceiling or float("inf")
        assert pace is None if not self.cuts and not self.ceiling else True
        assert pace is None or min(LEAST_PER_SECOND, ceiling) <= pace <= ceiling

    @invariant()
    def a_burst_of_refusals_cuts_the_pace_once(self) -> None:
        for (_, before), (begun, _) in zip(self.cuts, self.cuts[1:], strict=False):
            assert begun > before

    def teardown(self) -> None:
        if not hasattr(self, "account"):
            return
        try:
            self.all_come_to_their_end()
        finally:
            self.runner.close()

    def all_come_to_their_end(self) -> None:
        for _ in range(1_000):
            if all(caller.task.done() for caller in self.callers):
                break
            for outcome in self.network.opening:
                outcome.set_result(None)
            for wire in self.network.asked:
                wire.say(answer())
            self.time_passes(0.3)
        self.each_place_is_somebodys()
        assert self.throttle._under_way == 0
        for caller in self.callers:
            error = None if caller.task.cancelled() else caller.task.exception()
            assert error is None or isinstance(error, OUTCOMES), repr(error)
        self.account.close()
        self.settle()
        assert not self.pool._all
        self.callers.clear()
        gc.collect()
        assert not self.missed


TestCrowd = Crowd.TestCase
# To make a failure smaller takes minutes.
TestCrowd.settings = settings(max_examples=30, stateful_step_count=40, deadline=None, phases=[Phase.generate])
