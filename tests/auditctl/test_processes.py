"""What only a process of its own can show: signals, a reader that goes away, a full disk."""

import signal
import subprocess
from pathlib import Path

import pytest

from tests.auditctl.processes import COMMAND, environment, piped
from tests.auditctl.scripted_service import AUDIT, AUDIT_ID, Reply, ScriptedService, audit_document, ended_document


@pytest.mark.parametrize("words", [[], ["--json"]])
def test_ctrl_c_in_a_pipe(service: ScriptedService, words: list[str]) -> None:
    service.on("GET", AUDIT, Reply(audit_document(), headers={"Retry-After": "0"}))

    with piped("watch", AUDIT_ID, *words) as process:
        service.wait_until_asked("GET", AUDIT, 2)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=15)

    assert process.returncode == 130
    assert err.decode().splitlines() == [
        f"Stopped watching; audit {AUDIT_ID} goes on.",
        f"  watch:   auditctl watch {AUDIT_ID}",
        f"  cancel:  auditctl cancel {AUDIT_ID}",
    ]
    assert (b"event=progress" in out) is not bool(words)


def test_ctrl_c_before_the_start_was_answered(service: ScriptedService) -> None:
    service.on("POST", "/audits", Reply(hold=True))

    with piped("run", "--wait") as process:
        service.wait_until_asked("POST", "/audits", 1)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=15)

    assert process.returncode == 130
    assert err == b"Stopped before the service answered; it may have accepted the audit.\n  look:    auditctl list\n"


def test_no_colours_in_a_pipe_even_if_the_environment_forces_them(service: ScriptedService) -> None:
    service.on("GET", AUDIT, Reply(ended_document(1, "findings")))

    with piped("watch", AUDIT_ID, FORCE_COLOR="1", TTY_COMPATIBLE="1", CLICOLOR_FORCE="1") as process:
        out, err = process.communicate(timeout=15)

    assert process.returncode == 1
    assert b"\x1b" not in out + err


def test_a_reader_that_goes_away_is_no_reason_to_complain(service: ScriptedService) -> None:
    service.on("GET", "/audits", Reply({"audits": [ended_document(1, "findings")] * 800}))

    with piped("list") as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        err = process.stderr.read()
        code = process.wait(timeout=15)

    assert (code, err) == (141, b"")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has a disk that is always full")
def test_a_full_disk_is_explained(service: ScriptedService) -> None:
    service.on("GET", "/audits", Reply({"audits": [ended_document(1, "findings")]}))

    with Path("/dev/full").open("wb") as full:
        ran = subprocess.run(
            [*COMMAND, "list"], env=environment(), stdout=full, stderr=subprocess.PIPE, timeout=15, check=False
        )

    assert ran.returncode == 4
    assert b"No space left on device" in ran.stderr
    assert b"Traceback" not in ran.stderr
    assert b"Exception ignored" not in ran.stderr
