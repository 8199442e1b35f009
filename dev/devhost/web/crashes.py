"""``POST /admin/devhost/worker-crash``: the worker process dies, now or at the next call of an orchestrator."""

from aiohttp import web

from dev.devhost.engine.dispatcher import Dispatcher
from dev.devhost.worker.process import WorkerProcess


class Crashes:
    """Plays worker crashes on request; devhost is never deployed, so anybody may ask."""

    def __init__(self, worker: WorkerProcess, dispatcher: Dispatcher) -> None:
        self._worker = worker
        self._dispatcher = dispatcher

    async def handle(self, request: web.Request) -> web.Response:
        """200 and how much it ended; with ``?at=orchestrator`` 202, and the crash is played at the next such call."""
        if request.query.get("at") == "orchestrator":
            self._worker.crash_at_next_orchestrator()
            return web.json_response({"crashes": self._worker.crashes}, status=202)
        ended = {
            "activities_failed": self._dispatcher.activities_in_flight,
            "orchestrations_failed": self._dispatcher.orchestrators_in_flight,
        }
        self._worker.crash()
        return web.json_response({**ended, "crashes": self._worker.crashes})
