"""A fuzzing run against one app: nine tenths of it while an audit is at work, the rest while anything may start."""

from collections.abc import Callable
from contextlib import ExitStack, closing
from http import HTTPStatus

from dev.devstack.azurite import ACCOUNT_KEY
from tests.app.described import Description
from tests.app.ended_audits import cancelled, failed, incomplete, lists_blobs
from tests.app.fuzzing.by_parameter import places, try_out
from tests.app.fuzzing.by_schema import BySchema
from tests.app.fuzzing.judging import Judge, Tally
from tests.app.fuzzing.sending import Sender
from tests.app.proxy import StorageProxy
from tests.app.world import Api, World, eventually

KEY = "zKq0FuzzingKey7h2wVx"
UNKNOWN = "20200101-000000-00000000"
# What keeps an audit at work must not run out before the campaign does.
SETTINGS = {"AUDIT_MAX_PASSES": "1", "AUDIT_REQUEST_TIMEOUT_SECONDS": "300"}


def secrets_of(world: World) -> list[bytes]:
    """What no answer may hold: keys, the database's password, signatures, the host's own addresses."""
    password = world.database.partition("://")[2].partition(":")[2].partition("@")[0]
    assert len(password) > 8
    return [
        ACCOUNT_KEY.encode(),
        password.encode(),
        KEY.encode(),
        b"sig=",
        b"AccountKey",
        b"/runtime/webhooks",
        b"Traceback",
    ]


def proposed(api: Api, audit_id: str) -> str:
    """A repair whose plan waits for an approval: nobody who fuzzes knows its digest."""
    accepted = api._http.post(f"/audits/{audit_id}/repairs", json={"by": "the proposer"})
    assert accepted.status_code == HTTPStatus.ACCEPTED, accepted.text
    found: str = accepted.json()["id"]

    def is_proposed() -> bool | None:
        return api.get(f"/repairs/{found}").json()["state"] == "proposed" or None

    eventually(is_proposed, f"repair {found} is proposed", 60)
    return found


def fuzz(
    api: Api, world: World, proxy: StorageProxy, *, at_least: int, examples: int, tell: Callable[[Tally], None]
) -> Tally:
    """Send at least so many requests, ``examples`` for each place in each round; ``tell`` hears of every round."""
    judge = Judge(Description(api.get("/openapi.json").json()), secrets_of(world))
    ids = [api.audited()[0]["id"], incomplete(api, world, proxy), failed(api, proxy), cancelled(api, proxy), UNKNOWN]
    repairs = [proposed(api, ids[0]), UNKNOWN]
    held = proxy.hold(lists_blobs)
    ids.append(api.start())
    assert held.reached.wait(30)
    with ExitStack() as opened:
        sender = opened.enter_context(closing(Sender(api.app.url, judge, KEY)))
        by_schema = opened.enter_context(closing(BySchema(api.app.url, judge, ids, repairs)))
        round_ = 0
        while judge.tally.requests < at_least:
            if round_ and judge.tally.requests > at_least * 0.9:
                proxy.reset()
                held.release()
            for place in places(judge.description, ids, repairs):
                try_out(place, sender.send, examples, round_)
            by_schema.try_out(max(1, examples // 2), round_)
            round_ += 1
            tell(judge.tally)
    proxy.reset()
    held.release()
    return judge.tally
