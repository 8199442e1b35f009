"""HTTP-triggered functions: from an aiohttp request to the function and back."""

import logging
from collections.abc import Callable, Iterable

from aiohttp import web
from aiohttp.web_exceptions import HTTPRequestEntityTooLarge

from dev.devhost.engine.port import FunctionFailedError, WorkerDiedError
from dev.devhost.protocol.routes import Match, Route, match_route, parse_route
from dev.devhost.worker.functions import AppFunction, HttpCall
from dev.devhost.worker.pool import WorkerPool

_log = logging.getLogger("devhost.http")

MAX_BODY_BYTES = 100 * 1024 * 1024
"""Larger request bodies end as 500 before the function runs."""


def routes_of(functions: Iterable[AppFunction], prefix: str) -> list[Route[AppFunction]]:
    """The routes of HTTP functions. Raises RouteError for a template this host cannot match."""
    return [parse_route(f"{prefix}/{function.route}", function, function.methods) for function in functions]


def joined_query(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Query parameters; a repeated key's values are joined by commas."""
    query: dict[str, str] = {}
    for key, value in pairs:
        query[key] = f"{query[key]},{value}" if key in query else value
    return query


class FunctionRoutes:
    """Serves HTTP functions. ``clients`` gives the durable client strings of a function."""

    def __init__(
        self, routes: list[Route[AppFunction]], workers: WorkerPool, clients: Callable[[AppFunction], dict[str, str]]
    ) -> None:
        self._routes = routes
        self._workers = workers
        self._clients = clients

    async def handle(self, request: web.Request) -> web.Response:
        """Answer a request: 404 without a body if no route matches, 500 without a body if the function raised."""
        match = match_route(self._routes, request.method, request.rel_url.raw_path)
        if match is None:
            return web.Response(status=404)
        try:
            body = await request.read()
        except HTTPRequestEntityTooLarge:
            _log.warning("Function '%s': the request body is over %d bytes.", match.target.name, MAX_BODY_BYTES)
            return web.Response(status=500)
        try:
            answer = await self._workers.run_http(
                match.target.name, _to_call(request, match, body), self._clients(match.target)
            )
        except (FunctionFailedError, WorkerDiedError) as error:
            _log.error("Executed 'Functions.%s' (Failed)\n%s", match.target.name, error)
            return web.Response(status=500)
        _log.info("Executed 'Functions.%s' (%s %s: %d)", match.target.name, request.method, request.path, answer.status)
        return web.Response(status=answer.status, headers=answer.headers, body=answer.body)


def _to_call(request: web.Request, match: Match[AppFunction], body: bytes) -> HttpCall:
    return HttpCall(
        method=request.method,
        url=str(request.url),
        headers=joined_query(request.headers.items()),
        query=joined_query(request.query.items()),
        route_parameters=match.parameters,
        body=body,
    )
