"""The entry point: parses, executes, and turns every error into a message and an exit code."""

import contextlib
import os
import sys
from collections.abc import Sequence

from auditctl.arguments import parse
from auditctl.errors import AuditctlError
from auditctl.execution import execute
from auditctl.outcome import READER_WENT_AWAY, STOPPED_BY_CTRL_C
from auditctl.service import key_from, service_from, without_key


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command. Returns the exit code; only argparse ends the program itself (``--help``, bad usage: 2)."""
    try:
        command = parse(arguments)
        code = execute(command, service_from(command.url, os.environ))
        sys.stdout.flush()
    except AuditctlError as error:
        return _say(error)
    except KeyboardInterrupt:
        print("Stopped.", file=sys.stderr)
        return STOPPED_BY_CTRL_C
    except BrokenPipeError:
        _abandon_standard_output()
        return READER_WENT_AWAY
    except OSError as error:
        _abandon_standard_output()
        return _say(_unforeseen(error, "See whether the disk or the terminal that is written to is full or gone."))
    except Exception as error:  # noqa: BLE001  # the last resort: a message for the operator instead of a traceback
        return _say(
            _unforeseen(error, "Please report this with the command that you typed; it is a fault of auditctl.")
        )
    return code


def _say(error: AuditctlError) -> int:
    print(without_key(error.lines(), key_from(os.environ)), file=sys.stderr)
    return error.outcome.value


def _unforeseen(error: Exception, next_step: str) -> AuditctlError:
    return AuditctlError(f"{type(error).__name__}: {error}", where="this machine", next_step=next_step)


def _abandon_standard_output() -> None:
    """Redirects standard output to the null device, so that Python does not fail when it flushes it at exit."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


if __name__ == "__main__":
    sys.exit(main())
