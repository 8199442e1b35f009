"""The host: one process, one event loop, the app loaded once, everything wired together."""

import asyncio
import json
import logging
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from aiohttp import web

from dev.devhost.engine.dispatcher import Dispatcher, Limits
from dev.devhost.engine.operations import Operations
from dev.devhost.engine.store import Store
from dev.devhost.protocol.management import PUBLIC_BASE, RPC_BASE, client_binding
from dev.devhost.settings import HostSettings, apply_local_settings, read_host_json
from dev.devhost.timers import TimerLoop, enabled_timers
from dev.devhost.web.crashes import Crashes
from dev.devhost.web.durable import DurableApi
from dev.devhost.web.functions import MAX_BODY_BYTES, FunctionRoutes, routes_of
from dev.devhost.worker.functions import AppFunction, Trigger
from dev.devhost.worker.loading import reload_app
from dev.devhost.worker.process import WorkerProcess

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


def describe(functions: list[AppFunction], url: str, prefix: str) -> str:
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
        self._worker: WorkerProcess
        self._port = options.port
        self._stop = asyncio.Event()

    async def run(self) -> None:
        """Load, listen, work, and stop on SIGINT, SIGTERM, (if asked for) the end of stdin, or when the worker died too
        often.

        Raises LoadError, SettingsError, RouteError, StateError or OSError before anything is served.
        """
        self._load()
        store = Store(self._options.state / DATABASE)
        port = self._options.port or _port_before(self._options.ready_file)
        listener = socket.create_server((self._options.host, port), reuse_port=False)
        self._port = listener.getsockname()[1]
        try:
            await self._serve(self._worker.functions, store, listener)
        finally:
            listener.close()
            self._worker.close()
            store.close()

    def _load(self) -> None:
        root = self._options.root
        os.chdir(root)
        local = self._options.settings or root / "local.settings.json"
        if self._options.settings is not None or local.is_file():
            count = apply_local_settings(local, os.environ)
            _log.info("Took %d settings from '%s'; what the environment sets already wins.", count, local)
        self._settings = read_host_json(root)
        self._worker = WorkerProcess(partial(reload_app, root), self._stop.set)

    def _clients(self, function: AppFunction) -> dict[str, str]:
        return {client: client_binding(self._port, self._settings.task_hub) for client in function.clients}

    async def _serve(self, functions: list[AppFunction], store: Store, listener: socket.socket) -> None:
        settings, worker = self._settings, self._worker
        limits = Limits(settings.max_activities, settings.max_orchestrators, settings.function_timeout)
        dispatcher = Dispatcher(store, worker, limits)
        api = DurableApi(Operations(store, dispatcher), worker, settings.task_hub)
        http = [f for f in functions if f.trigger is Trigger.HTTP]
        routes = FunctionRoutes(routes_of(http, settings.route_prefix), worker, self._clients)
        enabled, problems = enabled_timers((f for f in functions if f.trigger is Trigger.TIMER), dict(os.environ))
        timers = TimerLoop(enabled, worker, self._clients)
        runner = web.AppRunner(
            _application(api, routes, timers, Crashes(worker, dispatcher)), access_log=None, shutdown_timeout=1
        )
        await runner.setup()
        await web.SockSite(runner, listener).start()
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


def _application(api: DurableApi, routes: FunctionRoutes, timers: TimerLoop, crashes: Crashes) -> web.Application:
    async def fire(request: web.Request) -> web.Response:
        return web.Response(status=202 if timers.fire(request.match_info["name"]) else 404)

    async def dispatch(request: web.Request) -> web.Response:
        path = request.rel_url.raw_path
        for base in (PUBLIC_BASE, RPC_BASE):
            if path.lower().startswith(f"{base}/"):
                return await api.handle(request, path[len(base) :])
        return await routes.handle(request)

    app = web.Application(client_max_size=MAX_BODY_BYTES)
    app.router.add_post("/admin/functions/{name}", fire)
    app.router.add_post("/admin/devhost/worker-crash", crashes.handle)
    app.router.add_route("*", r"/{path:[\s\S]*}", dispatch)  # a line break, too, may stand in a path
    return app


def serve(options: Options, on_error: Callable[[str], None]) -> int:
    """Run a host until it is stopped; the exit code."""
    try:
        asyncio.run(Host(options).run())
    except (RuntimeError, ValueError, OSError) as error:
        on_error(str(error))
        return 1
    return 0
