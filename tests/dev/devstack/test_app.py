"""The app as a child of this process, in place of which stands one that only says that it is there."""

from pathlib import Path

import httpx
import psutil

from dev.devstack.app import RunningApp, running_app
from tests.dev.devhost.hosts import until, write_app

SOURCE = """
import azure.functions as func

app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)


@app.route(route="here")
def here(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse("yes")
"""


def answers(app: RunningApp) -> bool:
    try:
        return httpx.get(f"{app.url}/here", timeout=5, trust_env=False).text == "yes"
    except httpx.TransportError:
        return False


def crash_worker(app: RunningApp) -> None:
    url = app.url.removesuffix("/api")
    try:
        httpx.post(f"{url}/admin/devhost/worker-crash", timeout=5, trust_env=False).raise_for_status()
    except httpx.TransportError:  # the host has just ended itself
        return


def test_a_host_that_ends_itself_is_started_again_at_the_same_address_as_another_process(tmp_path: Path) -> None:
    write_app(tmp_path / "app", SOURCE)
    with running_app({}, directory=tmp_path / "state", root=tmp_path / "app") as app:
        first = app.pid
        assert answers(app)
        for _ in range(2):
            crash_worker(app)
        assert (answers(app), app.pid) == (True, first)
        crash_worker(app)
        until(lambda: app.pid != first)
        second = app.pid
        assert answers(app)
        assert not psutil.pid_exists(first)
    assert not psutil.pid_exists(second)
