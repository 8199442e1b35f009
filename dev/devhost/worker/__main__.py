"""A worker process, as the host starts it: ``python -m dev.devhost.worker`` with the number of its socket and the
app's folder.

It ends at once when the host is gone, however that died: on Linux the kernel sees to it, and elsewhere the end of the
connection.
"""

import asyncio
import ctypes
import os
import signal
import socket
import sys
import traceback
from functools import partial
from io import TextIOWrapper
from pathlib import Path

from dev.devhost.engine.port import ActivityFailedError, FunctionFailedError
from dev.devhost.logs import log_to_stdout
from dev.devhost.worker.calling import Calls
from dev.devhost.worker.link import Answer, Call, Cancel, Loaded, Refused, receive, send
from dev.devhost.worker.loading import load_app

_PR_SET_PDEATHSIG = 1


async def serve(connection: socket.socket, root: Path) -> int:
    """Load the app and answer calls for ever; an exit code if the app is refused.

    What else the app's own code raises at import passes through.
    """
    reader, writer = await asyncio.open_connection(sock=connection)
    try:
        app = load_app(root)
    except (RuntimeError, ValueError, OSError) as error:
        send(writer, Refused(str(error)))
        return 1
    calls = Calls(app)
    send(writer, Loaded(tuple(app)))
    running: dict[int, asyncio.Task[None]] = {}
    while (message := await receive(reader)) is not None:
        match message:
            case Call(number):
                running[number] = task = asyncio.create_task(_answer(calls, message, writer))
                task.add_done_callback(partial(running.pop, number))
            case Cancel(number) if number in running:
                running[number].cancel()
    os._exit(1)


async def _answer(calls: Calls, call: Call, writer: asyncio.StreamWriter) -> None:
    try:
        answer = Answer(call.number, await getattr(calls, call.method)(*call.arguments))
    except ActivityFailedError as failure:
        answer = Answer(call.number, error=failure)
    except (Exception, asyncio.CancelledError):  # noqa: BLE001 - user code; nobody waits if it was the host that cancelled
        answer = Answer(call.number, error=FunctionFailedError(traceback.format_exc().rstrip()))
    send(writer, answer)


def main() -> int:
    """Run until the host is gone."""
    descriptor, root = int(sys.argv[1]), Path(sys.argv[2])
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group, and the host ends its workers
    os.set_inheritable(descriptor, False)
    os.chdir(root)
    assert isinstance(sys.stdout, TextIOWrapper)
    sys.stdout.reconfigure(line_buffering=True)  # others write there, too
    log_to_stdout()
    return asyncio.run(serve(socket.socket(fileno=descriptor), root))


if __name__ == "__main__":
    sys.exit(main())
