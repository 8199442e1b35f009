"""Calls of an API: a real one, and one that does what it should not."""

import asyncio
import gzip
import json
import logging
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any
from uuid import uuid4

import pytest
from aiohttp import web

from adapters.api_connection import ApiConnection
from adapters.http_api import LARGEST_ANSWER, HttpApi, Tries, open_api_session
from dev.devstack.prefect import HOST, PrefectServer
from dev.devstack.prefect_planting import Planting
from reconciliation.errors import (
    ApiInDoubtError,
    ApiRefusedError,
    ApiUnavailableError,
    AuditError,
    ListingError,
)
from reconciliation.evidence import Unread
from reconciliation.queries import Conversation, HttpAnswer, HttpCall, HttpRows
from tests.adapters.scripted_api import (
    SETTING,
    TOKEN,
    Clock,
    Handler,
    answers,
    breaks_off,
    hangs_up,
    says,
    scripted,
)

CALL = HttpCall("jobs/filter", {"limit": 2})
ONCE = CALL._replace(once=True)
SHORT = Tries(attempts=2, each_seconds=0.2)
DATE = "Fri, 20 Mar 2026 09:30:00 GMT"
GOOD = answers({"ok": True})


async def failed(api: HttpApi, call: HttpCall = CALL) -> AuditError:
    with pytest.raises(AuditError) as caught:
        await api.call(call)
    assert f"{call.path.partition('?')[0]} of {SETTING}" in str(caught.value)
    assert TOKEN not in str(caught.value)
    return caught.value


async def never(_request: web.Request) -> web.StreamResponse:
    await asyncio.Event().wait()
    return web.Response()


# --- a real one -------------------------------------------------------------------------------------------------------


@asynccontextmanager
async def of_prefect(server: PrefectServer) -> AsyncIterator[HttpApi]:
    async with open_api_session() as session:
        yield HttpApi(ApiConnection("STUCK_UPLOADS_PREFECT", server.url), session)


async def test_runs_of_a_real_server_are_read_page_by_page(prefect_server: PrefectServer) -> None:
    with Planting(prefect_server) as planting:
        deployment = planting.deployment(f"flow-{uuid4().hex}", "some")
        planted = {planting.run(deployment, {"number": number}): number for number in range(5)}

    def talk() -> Conversation:
        offset, size = 0, 2
        while True:
            answer = yield HttpCall(
                "flow_runs/filter",
                {"limit": size, "offset": offset, "flow_runs": {"deployment_id": {"any_": [deployment]}}},
            )
            yield [[run["id"], run["parameters"]["number"]] for run in answer.body]
            offset += size
            if len(answer.body) < size:
                return

    async with of_prefect(prefect_server) as api:
        said = [lines async for lines in api.rows(HttpRows(talk)) if not isinstance(lines, Unread)]
        assert abs(await api.clock_ahead()) < timedelta(minutes=1)
        await api.check(HttpRows(talk))
    portions = [[json.loads(line) for line in lines] for lines in said]
    assert [len(portion) for portion in portions] == [2, 2, 1]
    assert dict(row for portion in portions for row in portion) == planted


async def test_a_real_server_creates_once_and_refuses_in_its_own_words(prefect_server: PrefectServer) -> None:
    with Planting(prefect_server) as planting:
        deployment = planting.deployment(f"flow-{uuid4().hex}", "some")
    path = f"deployments/{deployment}/create_flow_run"
    once = HttpCall(path, {"parameters": {}, "idempotency_key": "once"}, (200, 201), once=True)
    async with of_prefect(prefect_server) as api:
        first, second = [await api.call(once) for _ in range(2)]
        assert (first.status, second.status, first.body["id"]) == (201, 200, second.body["id"])
        with pytest.raises(ApiRefusedError) as caught:
            await api.call(HttpCall("flow_runs/filter", {"limit": 201}))
        with pytest.raises(ApiRefusedError, match=r"404 \(Deployment not found\)"):
            await api.call(HttpCall("deployments/name/none/none"))
        paused = await api.call(HttpCall(f"deployments/{deployment}/pause_deployment", {}))
    assert paused._replace(at=None) == HttpAnswer(200, None)
    assert str(caught.value) == (
        "Cannot call flow_runs/filter of STUCK_UPLOADS_PREFECT: it answered 422 (Invalid limit: must be less than or "
        "equal to 200). See whether the server's version is one that this app knows."
    )


# --- what is sent -----------------------------------------------------------------------------------------------------


async def test_a_call_is_a_get_or_posts_its_json_below_the_address_with_its_proof() -> None:
    async with scripted(answers([1]), answers({}, 201), says(b"", status=204)) as (api, seen):
        assert (await api.call(HttpCall("jobs/name/a%20b?limit=2")))._replace(at=None) == HttpAnswer(200, [1])
        assert (await api.call(HttpCall("/jobs", {"name": "ü"}, (200, 201))))._replace(at=None) == HttpAnswer(201, {})
        assert (await api.call(HttpCall("jobs/beat", {}, (204,))))._replace(at=None) == HttpAnswer(204, None)
    sent = [(one.method, one.raw_path, one.headers.get("Content-Type")) for one in seen]
    assert sent == [
        ("GET", "/some/api/jobs/name/a%20b?limit=2", None),
        ("POST", "/some/api/jobs", "application/json"),
        ("POST", "/some/api/jobs/beat", "application/json"),
    ]
    assert await seen[1].json() == {"name": "ü"}
    assert {one.headers["Authorization"] for one in seen} == {f"Bearer {TOKEN}"}
    assert {one.headers["Accept-Encoding"] for one in seen} == {"identity"}


@pytest.mark.parametrize(
    "path",
    [
        "../admin",
        "jobs/../../admin",
        "jobs/..",
        "jobs/%2E%2e/x",
        "jobs/./x",
        "a b",
        "a#b",
        "a\nb",
        "",
        "a\\b",
        "ü",
        "..?x",
    ],
)
async def test_a_path_that_could_lead_elsewhere_is_not_called(path: str) -> None:
    async with scripted(GOOD) as (api, seen):
        with pytest.raises(ListingError, match="no path of an API") as caught:
            await api.call(HttpCall(path))
    assert not seen
    assert "\n" not in str(caught.value)


# --- what is temporary ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
async def test_a_temporary_failure_is_tried_again_with_a_growing_wait(status: int) -> None:
    clock, bad = Clock(), answers({}, status)
    async with scripted(bad, bad, bad, GOOD, clock=clock) as (api, seen):
        assert (await api.call(CALL))._replace(at=None) == HttpAnswer(200, {"ok": True})
    assert len(seen) == 4
    assert all(0 <= waited <= most for waited, most in zip(clock.slept, (0.5, 1, 2), strict=True))


async def test_waits_are_random_so_that_many_callers_do_not_come_at_once() -> None:
    clock = Clock()
    async with scripted(answers({}, 503), clock=clock, tries=Tries(attempts=60, longest_wait=1)) as (api, _):
        await failed(api)
    waits = clock.slept[1:]
    assert len(set(waits)) == len(waits)
    assert min(waits) < 0.3
    assert 0.7 < max(waits) <= 1


async def test_after_the_last_try_it_says_what_happened_and_what_to_do() -> None:
    async with scripted(answers({"detail": "busy"}, 503)) as (api, seen):
        error = await failed(api)
    assert len(seen) == 5
    assert isinstance(error, ApiUnavailableError)
    assert error.retryable
    assert str(error) == (
        "Cannot call jobs/filter of JOBS_API: it answered 503, 5 times in a row. Check that the server is up and can "
        "be reached from here, then try again."
    )


@pytest.mark.parametrize(
    ("hint", "least"),
    [("7", 7), ("Fri, 20 Mar 2026 09:30:09 GMT", 9), ("86400", 30), ("-3", 0), ("soon", 0)],
)
async def test_what_the_api_asks_for_is_waited_for_within_reason(hint: str, least: float) -> None:
    clock = Clock()
    async with scripted(answers({}, 503, Retry_After=hint, Date=DATE), GOOD, clock=clock) as (api, _):
        await api.call(CALL)
    [waited] = clock.slept
    assert least <= waited <= least + 0.5


async def test_all_tries_together_have_a_deadline() -> None:
    clock = Clock()
    async with scripted(answers({}, 503, Retry_After="30"), clock=clock, tries=Tries(attempts=50)) as (api, seen):
        assert isinstance(await failed(api), ApiUnavailableError)
    assert 90 <= clock.now() < 120
    assert len(seen) == len(clock.slept) + 1 == 4


async def test_an_answer_that_does_not_come_is_waited_for_only_so_long() -> None:
    async with scripted(never, GOOD, tries=SHORT) as (api, _):
        assert (await api.call(CALL)).body == {"ok": True}
    async with scripted(never, tries=SHORT) as (api, _):
        assert "did not answer in time, 2 times in a row" in str(await failed(api))


@pytest.mark.parametrize("broken", [hangs_up, breaks_off], ids=["before", "within"])
async def test_a_connection_that_breaks_is_tried_again(broken: Handler) -> None:
    async with scripted(broken, GOOD) as (api, _):
        assert (await api.call(CALL)).body == {"ok": True}
    async with scripted(broken) as (api, _):
        assert isinstance(await failed(api), ApiUnavailableError)


# --- what is no answer ------------------------------------------------------------------------------------------------

NOT_JSON = [
    pytest.param(says(b"<html>Log in</html>", "text/html; charset=utf-8"), "by its Content-Type", id="html"),
    pytest.param(says(b"[]", "application/octet-stream"), "by its Content-Type", id="bytes"),
    pytest.param(says(b"[]", "application/json; charset=latin-1"), "by its Content-Type", id="another charset"),
    pytest.param(says(b"<html>Log in</html>"), "not JSON", id="html that says JSON"),
    pytest.param(says(b""), "not JSON", id="nothing"),
    pytest.param(says(b'{"a": 1'), "not JSON", id="half"),
    pytest.param(says(b"[] []"), "not JSON", id="two"),
    pytest.param(says(b'["\xff"]'), "not JSON", id="not UTF-8"),
    pytest.param(says("[]".encode("utf-16")), "not JSON", id="UTF-16"),
    pytest.param(says(b"[NaN]"), "not JSON", id="NaN"),
    pytest.param(says(b"[1e999]"), "not JSON", id="more than a number"),
    pytest.param(says(b"[" * 100_000), "not JSON", id="deep"),
    pytest.param(says(gzip.compress(b"[]"), Content_Encoding="gzip"), "a packed body", id="packed"),
    pytest.param(says(b" " * (LARGEST_ANSWER + 1)), "more than 16,777,216 bytes", id="large"),
]


@pytest.mark.parametrize(("bad", "words"), NOT_JSON)
async def test_what_is_no_json_is_an_error_and_never_an_empty_answer(bad: Handler, words: str) -> None:
    async with scripted(bad, tries=Tries(attempts=2)) as (api, seen):
        error = await failed(api)
    assert isinstance(error, ListingError)
    assert words in str(error)
    assert len(seen) == 2
    async with scripted(bad, GOOD) as (api, _):
        assert (await api.call(CALL)).body == {"ok": True}


@pytest.mark.parametrize("kind", ["application/json", "Application/JSON; charset=UTF-8", "application/problem+json"])
async def test_json_may_be_named_in_several_ways(kind: str) -> None:
    async with scripted(says(b'["\xc3\xbc", null]', kind)) as (api, _):
        assert (await api.call(CALL)).body == ["ü", None]


async def test_an_endless_answer_is_not_taken_to_its_end() -> None:
    async def endless(request: web.Request) -> web.StreamResponse:
        answer = web.StreamResponse(headers={"Content-Type": "application/json"})
        await answer.prepare(request)
        with suppress(ConnectionError):
            while True:
                await answer.write(b" " * 1024 * 1024)
        return answer

    async with scripted(endless, tries=Tries(attempts=1)) as (api, _):
        assert "more than 16,777,216 bytes" in str(await failed(api))


# --- what is permanent ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "advice"),
    [
        (400, "server's version"),
        (401, "JOBS_API__bearerToken or JOBS_API__basicAuth"),
        (403, "JOBS_API__bearerToken or JOBS_API__basicAuth"),
        (404, "Check the address in JOBS_API"),
        (405, "Check the address in JOBS_API"),
        (409, "server's version"),
        (422, "server's version"),
        (501, "server's version"),
        (201, "server's version"),
        (206, "server's version"),
    ],
)
async def test_a_status_that_is_not_expected_is_told_at_once(status: int, advice: str) -> None:
    async with scripted(answers([], status)) as (api, seen):
        error = await failed(api)
    assert isinstance(error, ApiRefusedError)
    assert not error.retryable
    assert f"it answered {status}. " in str(error)
    assert advice in str(error)
    assert len(seen) == 1


async def test_a_status_that_is_expected_is_an_answer_even_where_it_is_usually_a_failure() -> None:
    async with scripted(answers({"detail": "none"}, 404)) as (api, _):
        assert (await api.call(CALL._replace(expects=(200, 404))))._replace(at=None) == HttpAnswer(
            404, {"detail": "none"}
        )


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_is_not_followed(status: int) -> None:
    async with scripted(answers({}, status, Location="/some/api/elsewhere")) as (api, seen):
        error = await failed(api)
    assert isinstance(error, ApiRefusedError)
    assert f"answered {status}, which leads elsewhere and is not followed" in str(error)
    assert len(seen) == 1


@pytest.mark.parametrize(
    ("body", "quoted"),
    [
        (b'{"detail": "No  such\\n job"}', " (No such job)"),
        (b'{"exception_message": "Run not found"}', " (Run not found)"),
        (b'{"detail": [{"loc": ["body"], "input": "x"}]}', ""),
        (b'{"detail": "a \\u202e b"}', ""),
        (b'{"detail": "' + TOKEN.encode() + b' is wrong"}', ""),
        (b'{"detail": "password=abc is wrong"}', " (password=*** is wrong)"),
        (b'{"detail": "' + b"x" * 300 + b'"}', f" ({'x' * 200}...)"),
        (b'{"detail": ""}', ""),
        (b'"detail"', ""),
        (b"<html>No such job</html>", ""),
        (b"[" * 100_000, ""),
        (b"\xff", ""),
    ],
)
async def test_its_own_words_are_quoted_if_they_are_plain_and_short_and_no_secret(body: bytes, quoted: str) -> None:
    async with scripted(says(body, status=404)) as (api, _):
        assert f"it answered 404{quoted}. Check" in str(await failed(api))


async def test_no_secret_is_in_any_log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    async with scripted(answers({"detail": TOKEN}, 503), answers({"detail": TOKEN}, 401)) as (api, _):
        await failed(api, HttpCall("jobs?key=in-the-query"))
    assert "Trying again" in caplog.text
    assert TOKEN not in caplog.text.replace("asyncio", "")
    assert "in-the-query" not in "".join(one.getMessage() for one in caplog.records if "capture_audit" in one.name)


# --- what must not be done twice --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(hangs_up, id="closed"),
        pytest.param(breaks_off, id="broken off"),
        pytest.param(never, id="hangs"),
        pytest.param(answers({}, 408), id="408"),
        pytest.param(answers({}, 500), id="500"),
        pytest.param(answers({}, 501), id="501"),
        pytest.param(answers({}, 502), id="502"),
        pytest.param(answers({}, 503, Retry_After="1"), id="503"),
        pytest.param(answers({}, 504), id="504"),
        pytest.param(answers({}, 202), id="202"),
        pytest.param(says(b"<html></html>", "text/html"), id="html"),
        pytest.param(says(b'{"id": '), id="half"),
    ],
)
async def test_a_call_that_may_have_been_carried_out_is_not_sent_again_and_is_in_doubt(answer: Handler) -> None:
    clock = Clock()
    async with scripted(answer, GOOD, tries=SHORT, clock=clock) as (api, seen):
        error = await failed(api, ONCE)
    assert isinstance(error, ApiInDoubtError)
    assert not error.retryable
    assert "does not tell whether it was done. Look there before it is done again." in str(error)
    assert (len(seen), clock.slept) == (1, [])


@pytest.mark.parametrize("status", [302, 400, 401, 404, 409, 422])
async def test_a_refusal_leaves_no_doubt(status: int) -> None:
    async with scripted(answers({}, status)) as (api, _):
        assert isinstance(await failed(api, ONCE), ApiRefusedError)


async def test_a_call_that_was_turned_away_is_not_sent_again_either_for_it_rests_on_what_was_read_before() -> None:
    clock = Clock()
    async with scripted(answers({}, 429, Retry_After="3"), GOOD, clock=clock) as (api, seen):
        assert isinstance(await failed(api, ONCE), ApiUnavailableError)
    assert (len(seen), clock.slept) == (1, [])


@pytest.mark.parametrize("host", ["127.0.0.1", "nobody.invalid"])
async def test_nor_is_there_doubt_where_nobody_was_reached(host: str) -> None:
    with socket.socket() as taken:
        taken.bind((HOST, 0))  # and does not listen
        clock = Clock()
        async with open_api_session() as session:
            connection = ApiConnection(SETTING, f"http://{host}:{taken.getsockname()[1]}/api")
            api = HttpApi(connection, session, sleep=clock.sleep, clock=clock.now)
            error = await failed(api, ONCE)
    assert isinstance(error, ApiUnavailableError)
    assert clock.slept == []


# --- the clock --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("answer", [answers([]), answers({}, 404), says(b"<html></html>", "text/html", 401)])
async def test_any_answer_tells_the_time(answer: Callable[..., web.Response]) -> None:
    def late(request: web.Request) -> web.Response:
        response = answer(request)
        response.headers["Date"] = format_datetime(datetime.now(UTC) + timedelta(hours=3), usegmt=True)
        return response

    async with scripted(late) as (api, seen):
        assert abs(await api.clock_ahead() - timedelta(hours=3)) < timedelta(minutes=1)
    assert [(one.method, one.path) for one in seen] == [("GET", "/some/api")]


async def test_without_a_date_no_clock_is_ahead() -> None:
    async with scripted(answers([], Date="yesterday")) as (api, _):
        assert await api.clock_ahead() == timedelta(0)


# --- conversations ----------------------------------------------------------------------------------------------------


class Talk:
    """A conversation of these steps; ``heard`` are the answers, and ``closed`` is how often it came to its end."""

    def __init__(self, *steps: Any) -> None:
        self.steps, self.heard, self.closed = steps, list[Any](), 0

    def __call__(self) -> Conversation:
        try:
            for step in self.steps:
                answer = yield step
                if isinstance(step, HttpCall):
                    self.heard.append(answer)
        finally:
            self.closed += 1


async def test_rows_come_as_the_conversation_gives_them() -> None:
    talk = Talk(CALL, [1, {"a": "ü"}], [], CALL, CALL, ["last"])
    async with scripted(answers("one"), answers("two")) as (api, _):
        assert [lines async for lines in api.rows(HttpRows(talk))] == [["1", '{"a":"\\u00fc"}'], [], ['"last"']]
    assert [answer.body for answer in talk.heard] == ["one", "two", "two"]
    assert talk.closed == 1


@pytest.mark.parametrize("steps", [(), (CALL,)], ids=["says nothing", "asks last"])
async def test_a_conversation_may_have_no_rows(steps: tuple[Any, ...]) -> None:
    talk = Talk(*steps)
    async with scripted(GOOD) as (api, _):
        assert [lines async for lines in api.rows(HttpRows(talk))] == []
    assert talk.closed == 1


async def test_what_is_missing_is_the_last_that_is_said() -> None:
    missing = Unread("runs", "There was no end to them.", failed=True)
    talk = Talk([1], missing, CALL)
    async with scripted(GOOD) as (api, seen):
        assert [said async for said in api.rows(HttpRows(talk))] == [["1"], missing]
    assert (talk.closed, seen) == (1, [])


async def test_a_call_that_fails_ends_the_conversation_and_closes_it() -> None:
    talk = Talk([1], CALL, [2])
    async with scripted(answers({}, 403)) as (api, _):
        rows = api.rows(HttpRows(talk))
        assert await anext(rows) == ["1"]
        with pytest.raises(ApiRefusedError):
            await anext(rows)
    assert talk.closed == 1


async def test_a_conversation_that_nobody_listens_to_any_more_is_closed() -> None:
    talk = Talk([1], [2])
    async with scripted(GOOD) as (api, _):
        rows = api.rows(HttpRows(talk))
        assert await anext(rows) == ["1"]
        await rows.aclose()  # type: ignore[attr-defined]
    assert talk.closed == 1


async def test_a_check_asks_only_what_is_asked_first() -> None:
    talks = [Talk(CALL, HttpCall("second")), Talk([1]), Talk(HttpCall("third"))]
    async with scripted(GOOD) as (api, seen):
        await api.check(*map(HttpRows, talks))
        assert [one.path for one in seen] == ["/some/api/jobs/filter", "/some/api/third"]
        await api.check()
        assert [one.path for one in seen[2:]] == ["/some/api"]
    assert [talk.closed for talk in talks] == [1, 1, 1]
