import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from dev.devstack.supervise import DevStackError, Workspace, supervised, wait_for, workspace

REPOSITORY = Path(__file__).parents[3]
DEADLINE_SECONDS = 60

needs_proc = pytest.mark.skipif(
    not Path("/proc/self/cwd").exists(), reason="finds processes by /proc, which is Linux's"
)


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not condition():
        assert time.monotonic() < deadline, "still not so"
        time.sleep(0.02)


def processes_in(folder: Path) -> set[int]:
    """The living processes that work in the folder or below it: the servers and their supervisors do."""
    found = set()
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            place = (entry / "cwd").readlink()
        except OSError:  # it has just ended, or is a zombie
            continue
        if place.is_relative_to(folder):
            found.add(int(entry.name))
    return found


def parent_of(server: str, temporary_folder: Path) -> subprocess.Popen[str]:
    """A process, first of its own group, that starts a server, says so and sleeps."""
    # A test runner in the background ignores SIGINT and its children inherit that; a terminal does not.
    code = (
        "import signal\nsignal.signal(signal.SIGINT, signal.default_int_handler)\n"
        f"import time\nfrom dev.devstack.{server} import {server}\n"
        f"with {server}():\n    print('ready', flush=True)\n    time.sleep({2 * DEADLINE_SECONDS})\n"
    )
    return subprocess.Popen(
        [sys.executable, "-c", code],
        cwd=REPOSITORY,
        env=os.environ | {"TMPDIR": str(temporary_folder)},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    )


@needs_proc
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT], ids=lambda number: number.name)
@pytest.mark.parametrize("server", ["postgres", "azurite"])
def test_nothing_outlives_a_parent_that_is_ended(server: str, number: signal.Signals, tmp_path: Path) -> None:
    with parent_of(server, tmp_path) as parent:
        assert parent.stdout is not None
        assert parent.stdout.readline() == "ready\n"
        assert len(processes_in(tmp_path)) >= 2, "a supervisor and a server"

        os.killpg(parent.pid, number)  # Ctrl-C reaches the whole group; so may the others

        assert parent.wait(DEADLINE_SECONDS) != 0
        until(lambda: not processes_in(tmp_path) and not list(tmp_path.iterdir()))


@needs_proc
def test_nothing_outlives_a_parent_that_is_killed_while_the_server_starts(tmp_path: Path) -> None:
    with parent_of("postgres", tmp_path) as parent:
        until(lambda: any(tmp_path.glob("*/data.new/*")))  # initdb is at work
        parent.kill()
        parent.wait(DEADLINE_SECONDS)

        until(lambda: not processes_in(tmp_path) and not list(tmp_path.iterdir()))


@needs_proc
def test_a_server_that_will_not_stop_is_killed_with_all_its_processes(tmp_path: Path) -> None:
    stubborn = ["sh", "-c", "trap '' TERM; sleep 600 & echo up; while :; do sleep 600; done"]
    with supervised("A stubborn server", stubborn, Workspace(tmp_path, temporary=False), grace_seconds=0.1) as server:
        wait_for(server, lambda: server.log.read_text() or None, DEADLINE_SECONDS)
        assert len(processes_in(tmp_path)) >= 3, "the supervisor, the shell and its background sleep"
    assert not processes_in(tmp_path)


def test_an_exception_ends_the_server_and_removes_its_folder() -> None:
    def fail() -> None:
        with workspace(None, "test") as place, supervised("A server", ["sleep", "600"], place):
            places.append(place)
            raise ZeroDivisionError

    places: list[Workspace] = []
    with pytest.raises(ZeroDivisionError):
        fail()
    assert not places[0].path.exists()


def test_a_server_that_ends_too_early_is_reported_with_its_log(tmp_path: Path) -> None:
    broken = ["sh", "-c", "echo the disk is full; exit 3"]
    with supervised("A broken server", broken, Workspace(tmp_path, temporary=False)) as server:
        with pytest.raises(DevStackError) as caught:
            wait_for(server, lambda: None, DEADLINE_SECONDS)
        assert server.has_ended()
    assert str(caught.value) == (
        f"A broken server ended before it was ready. The last lines of {tmp_path}/server.log:\n  the disk is full"
    )


def test_a_server_that_ends_itself_in_order_is_started_again_if_asked_for(tmp_path: Path) -> None:
    one_more = ["sh", "-c", "echo begun >> begun; [ $(wc -l < begun) -lt 3 ] || sleep 600"]
    with supervised("A restless server", one_more, Workspace(tmp_path, temporary=False), again=True) as server:
        begun = tmp_path / "begun"
        until(lambda: begun.exists() and len(begun.read_text().splitlines()) == 3)
        assert not server.has_ended()
    assert not processes_in(tmp_path)


def test_a_server_that_ends_in_error_is_not_started_again(tmp_path: Path) -> None:
    broken = ["sh", "-c", "echo begun >> begun; exit 3"]
    with supervised("A broken server", broken, Workspace(tmp_path, temporary=False), again=True) as server:
        until(server.has_ended)
    assert (tmp_path / "begun").read_text() == "begun\n"


def test_a_server_that_never_answers_is_reported(tmp_path: Path) -> None:
    with (
        supervised("A mute server", ["sleep", "600"], Workspace(tmp_path, temporary=True)) as server,
        pytest.raises(DevStackError, match=r"A mute server was not ready after 0\.1 s.*\n  \(nothing was logged\)"),
    ):
        wait_for(server, lambda: None, timeout_seconds=0.1)


def test_a_command_that_does_not_exist_is_reported(tmp_path: Path) -> None:
    with (
        supervised("A missing server", ["/does/not/exist"], Workspace(tmp_path, temporary=False)) as server,
        pytest.raises(DevStackError, match="/does/not/exist"),
    ):
        wait_for(server, lambda: None, DEADLINE_SECONDS)
