"""HTTP-triggered functions: from an aiohttp request to the function and back."""

import logging
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import azure.functions as func
from aiohttp import web
from aiohttp.web_exceptions import HTTPRequestEntityTooLarge

from dev.devhost.protocol.routes import Match, Route, match_route, parse_route
from dev.devhost.worker.functions import AppFunction
from dev.devhost.worker.process import WorkerProcess

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
        self, routes: list[Route[AppFunction]], calls: WorkerProcess, clients: Callable[[AppFunction], dict[str, str]]
    ) -> None:
        self._routes = routes
        self._calls = calls
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
            result = await self._calls.run_http(
                match.target, _to_request(request, match, body), self._clients(match.target)
            )
            response = _to_response(result)
        except Exception:  # noqa: BLE001 - user code
            _log.exception("Executed 'Functions.%s' (Failed)", match.target.name)
            return web.Response(status=500)
        _log.info(
            "Executed 'Functions.%s' (%s %s: %d)", match.target.name, request.method, request.path, response.status
        )
        return response


def _to_request(request: web.Request, match: Match[AppFunction], body: bytes) -> func.HttpRequest:
    return func.HttpRequest(
        method=request.method,
        url=str(request.url),
        headers=joined_query(request.headers.items()),
        params=joined_query(request.query.items()),
        route_params=match.parameters,
        body=body,
    )


def _to_response(result: Any) -> web.Response:
    if result is None:
        return web.Response(status=204)
    if isinstance(result, str):
        return web.Response(text=result)
    if not isinstance(result, func.HttpResponse):
        raise TypeError(f"an HTTP function must return func.HttpResponse or str, not {type(result).__name__}")
    headers = _headers(result.headers)
    if not any(name.lower() == "content-type" for name, _ in headers):
        mimetype = str(result.mimetype)
        headers.append(
            ("Content-Type", f"{mimetype}; charset={result.charset}" if mimetype.startswith("text/") else mimetype)
        )
    return web.Response(status=result.status_code, headers=headers, body=result.get_body())


def _headers(headers: Mapping[str, str]) -> list[tuple[str, str]]:
    return [(str(name), str(value)) for name, value in headers.items() if name.lower() != "content-length"]
