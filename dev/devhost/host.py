"""The host: HTTP, engine, store and timers in one process, the app in its workers, everything wired together."""

import asyncio
import json
import logging
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from dev.devhost.engine.dispatcher import Dispatcher, Limits
from dev.devhost.engine.operations import Operations
from dev.devhost.engine.store import Store
from dev.devhost.protocol.management import client_binding
from dev.devhost.settings import HostSettings, apply_local_settings, read_host_json, worker_processes
from dev.devhost.timers import TimerLoop, enabled_timers
from dev.devhost.worker.functions import AppFunction, Trigger
from dev.devhost.worker.pool import WorkerPool

_log = logging.getLogger("devhost")
_STOP_SECONDS = 3.0
DATABASE = "durable.sqlite3"


@dataclass(frozen=True, slots=True)
class Options:
    """The command line. ``settings`` None: local.settings.json in the root, if there is one."""

    root: Path
    state: Path
    host: str = "127.0.0.1"
    port: int = 7071
    settings: Path | None = None
    ready_file: Path | None = None
    die_with_stdin: bool = False


def describe(functions: Sequence[AppFunction], url: str, prefix: str) -> str:
    """The list of functions and their URLs, as Core Tools prints it."""
    lines = ["", "Functions:", ""]
    for function in sorted(functions, key=lambda f: f.name):
        if function.trigger is Trigger.HTTP:
            methods = "" if function.methods is None else f"[{','.join(sorted(function.methods))}] "
            path = "/".join(part for part in (prefix, function.route.strip("/")) if part)
            lines.append(f"\t{function.name}: {methods}{url}/{path}")
        else:
            lines.append(f"\t{function.name}: {function.trigger.value}")
        lines.append("")
    return "\n".join(lines)


def _write_atomically(path: Path, data: dict[str, object]) -> None:
    scratch = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    scratch.write_text(json.dumps(data), encoding="utf-8")
    scratch.replace(path)


def _port_before(ready_file: Path | None) -> int:
    """The port of the host that wrote the file before; 0 if there was none."""
    if ready_file is None or not ready_file.exists():
        return 0
    url: str = json.loads(ready_file.read_text(encoding="utf-8"))["url"]
    return int(url.rpartition(":")[2])


async def _stdin_closed(stop: asyncio.Event) -> None:
    """Set ``stop`` when whoever holds the other end of stdin is gone."""
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while await reader.read(4096):
        pass
    stop.set()


class Host:
    """A started host; `run` ends when it is told to stop."""

    def __init__(self, options: Options) -> None:
        self._options = options
        self._settings: HostSettings
        self._workers: WorkerPool
        self._port = options.port
        self._stop = asyncio.Event()

    async def run(self) -> None:
        """Start the workers, listen, work, and stop on SIGINT, SIGTERM, (if asked for) the end of stdin, or when
        workers died too often.

        Raises LoadError, SettingsError, RouteError, StateError or OSError before anything is served.
        """
        self._configure()
        try:
            await self._workers.start()
            with closing(Store(self._options.state / DATABASE)) as store, self._listen() as listener:
                await self._serve(store, listener)
        finally:
            await self._workers.close()

    def _listen(self) -> socket.socket:
        port = self._options.port or _port_before(self._options.ready_file)
        listener = socket.create_server((self._options.host, port), reuse_port=False)
        self._port = listener.getsockname()[1]
        return listener

    def _configure(self) -> None:
        root = self._options.root
        os.chdir(root)
        local = self._options.settings or root / "local.settings.json"
        if self._options.settings is not None or local.is_file():
            count = apply_local_settings(local, os.environ)
            _log.info("Took %d settings from '%s'; what the environment sets already wins.", count, local)
        self._settings = read_host_json(root)
        self._workers = WorkerPool(root, worker_processes(os.environ), self._stop.set)

    def _clients(self, function: AppFunction) -> dict[str, str]:
        return {client: client_binding(self._port, self._settings.task_hub) for client in function.clients}

    async def _serve(self, store: Store, listener: socket.socket) -> None:
        from dev.devhost.web.server import start_server  # noqa: PLC0415 - it takes long, and the workers load meanwhile

        settings, workers = self._settings, self._workers
        functions = await workers.loaded()
        limits = Limits(settings.max_activities, settings.max_orchestrators, settings.function_timeout)
        dispatcher = Dispatcher(store, workers, limits)
        enabled, problems = enabled_timers((f for f in functions if f.trigger is Trigger.TIMER), dict(os.environ))
        timers = TimerLoop(enabled, workers, self._clients)
        runner = await start_server(
            listener,
            settings=settings,
            workers=workers,
            operations=Operations(store, dispatcher),
            timers=timers,
            clients=self._clients,
        )
        url = f"http://{self._options.host}:{self._port}"
        print(describe(functions, url, settings.route_prefix), flush=True)
        for problem in problems:
            _log.error("%s", problem)
        dispatcher.start()
        timers.start()
        print(f"Host started on {url}", flush=True)
        if self._options.ready_file is not None:
            _write_atomically(self._options.ready_file, {"url": url, "pid": os.getpid()})
        await self._until_stopped()
        _log.info("Stopping.")
        await timers.stop()
        await dispatcher.stop()
        await runner.cleanup()

    async def _until_stopped(self) -> None:
        stop, loop = self._stop, asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, stop.set)
        watcher = asyncio.create_task(_stdin_closed(stop)) if self._options.die_with_stdin else None
        await stop.wait()
        deadline = threading.Timer(_STOP_SECONDS, os._exit, [0])  # user code may not let itself be cancelled
        deadline.daemon = True
        deadline.start()
        if watcher is not None:
            watcher.cancel()


def serve(options: Options, on_error: Callable[[str], None]) -> int:
    """Run a host until it is stopped; the exit code."""
    try:
        asyncio.run(Host(options).run())
    except (RuntimeError, ValueError, OSError) as error:
        on_error(str(error))
        return 1
    return 0
