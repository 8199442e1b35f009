"""``POST /admin/devhost/worker-crash``: a worker process is killed, now or at the next call of an orchestrator."""

from aiohttp import web

from dev.devhost.worker.pool import WorkerPool


class Crashes:
    """Kills workers on request; devhost is never deployed, so anybody may ask."""

    def __init__(self, workers: WorkerPool) -> None:
        self._workers = workers

    async def handle(self, request: web.Request) -> web.Response:
        """200 and how much it ended; with ``?at=orchestrator`` 202, and the worker dies at its next such call.

        ``?worker=N`` says which, 0 being the first; 404 if there is none of that number.
        """
        text = request.query.get("worker", "")
        number = int(text) if text.isdecimal() else None
        try:
            if request.query.get("at") == "orchestrator":
                self._workers.crash_at_next_orchestrator(number)
                return web.json_response({"crashes": self._workers.crashes}, status=202)
            crash = await self._workers.crash(number)
        except LookupError as error:
            return web.Response(status=404, text=str(error))
        ended = {"activities_failed": crash.activities, "orchestrations_failed": crash.orchestrators}
        return web.json_response({**ended, "crashes": self._workers.crashes})
