"""``auditctl`` as a process of its own: in a pipe, or on a real pseudo-terminal."""

import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from tests.auditctl.scripted_service import DEADLINE_SECONDS

# A test runner in the background ignores SIGINT and its children inherit that; an operator's shell does not.
PROGRAM = (
    "import signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler);"
    "from auditctl.__main__ import main; sys.exit(main())"
)
COMMAND = [sys.executable, "-W", "error", "-c", PROGRAM]
# The first terminal that a session's leader opens becomes its controlling terminal, so that Ctrl-C is a real one.
ON_TERMINAL = ["sh", "-c", 'tty="$1"; shift; exec "$@" <>"$tty" >&0 2>&0', "sh"]
ESCAPE_SEQUENCE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


def environment(**changes: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "FORCE_COLOR", "COLUMNS")}
    return {**kept, "TERM": "xterm-256color", "PYTHONUTF8": "1", **changes}


@contextmanager
def piped(*words: str, **variables: str) -> Iterator[subprocess.Popen[bytes]]:
    """The program with its output in pipes; killed at the end of the block if it still runs."""
    started = subprocess.Popen(
        [*COMMAND, *words], env=environment(**variables), stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    with started:
        try:
            yield started
        finally:
            if started.poll() is None:
                started.kill()


class Terminal:
    """A program on a pseudo-terminal, and everything that it has drawn."""

    def __init__(self, process: subprocess.Popen[bytes], master: int) -> None:
        self._process = process
        self._master = master
        self.raw = ""

    @property
    def text(self) -> str:
        """What was drawn, without colours and cursor movements."""
        return ESCAPE_SEQUENCE.sub("", self.raw).replace("\r\n", "\n")

    def press(self, keys: str) -> None:
        os.write(self._master, keys.encode())

    def wait_for(self, wanted: str) -> None:
        """Read until this text was drawn."""
        self._read(lambda: wanted in self.text, f"{wanted!r} was not drawn")

    def wait(self) -> int:
        """Read until the program has ended. Returns its exit code."""
        self._read(lambda: self._process.poll() is not None, "the program did not end")
        self._drain(0.0)
        assert self._process.returncode is not None
        return self._process.returncode

    def _read(self, is_enough: Callable[[], bool], otherwise: str) -> None:
        deadline = time.monotonic() + DEADLINE_SECONDS
        while not is_enough():
            assert time.monotonic() < deadline, f"{otherwise}; so far: {self.raw!r}"
            self._drain(0.02)

    def _drain(self, seconds: float) -> None:
        while select.select([self._master], [], [], seconds)[0]:
            self.raw += os.read(self._master, 65_536).decode("utf-8", "replace")
            seconds = 0.0


@contextmanager
def terminal(*words: str, columns: int = 100, **variables: str) -> Iterator[Terminal]:
    """The program on a terminal of its own; killed at the end of the block if it still runs."""
    master, slave = pty.openpty()
    try:
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 30, columns, 0, 0))
        arguments = [*ON_TERMINAL, os.ttyname(slave), *COMMAND, *words]
        with subprocess.Popen(arguments, env=environment(**variables), start_new_session=True) as process:
            try:
                yield Terminal(process, master)
            finally:
                if process.poll() is None:
                    process.kill()
    finally:
        os.close(slave)
        os.close(master)
