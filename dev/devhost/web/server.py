"""The HTTP server of the host: functions, the management API and the admin endpoints on one socket."""

import socket
from collections.abc import Callable

from aiohttp import web

from dev.devhost.engine.operations import Operations
from dev.devhost.protocol.management import PUBLIC_BASE, RPC_BASE
from dev.devhost.settings import HostSettings
from dev.devhost.timers import TimerLoop
from dev.devhost.web.crashes import Crashes
from dev.devhost.web.durable import DurableApi
from dev.devhost.web.functions import MAX_BODY_BYTES, FunctionRoutes, routes_of
from dev.devhost.worker.functions import AppFunction, Trigger
from dev.devhost.worker.pool import WorkerPool


async def start_server(
    listener: socket.socket,
    *,
    settings: HostSettings,
    workers: WorkerPool,
    operations: Operations,
    timers: TimerLoop,
    clients: Callable[[AppFunction], dict[str, str]],
) -> web.AppRunner:
    """Serve on a socket until the runner is cleaned up. Raises RouteError."""
    functions = [function for function in workers.functions if function.trigger is Trigger.HTTP]
    application = _application(
        DurableApi(operations, workers, settings.task_hub),
        FunctionRoutes(routes_of(functions, settings.route_prefix), workers, clients),
        timers,
        Crashes(workers),
    )
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=1)
    await runner.setup()
    await web.SockSite(runner, listener).start()
    return runner


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
