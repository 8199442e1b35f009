"""Route templates, as the Functions host matches them: whole segments, fixed or a parameter (``audits/{id}``)."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Generic, TypeVar
from urllib.parse import unquote

T = TypeVar("T")
_PARAMETER = re.compile(r"\{([A-Za-z_]\w*)\}")
_SLASH = re.compile("%2f", re.IGNORECASE)


class RouteError(ValueError):
    """A template that this host does not match."""


@dataclass(frozen=True, slots=True)
class _Segment:
    """``literal`` in lower case, or the ``name`` of a parameter."""

    literal: str = ""
    name: str = ""


@dataclass(frozen=True, slots=True)
class Route(Generic[T]):
    """A parsed template and what it leads to. ``methods`` None: all."""

    target: T
    segments: tuple[_Segment, ...]
    methods: frozenset[str] | None = None


@dataclass(frozen=True, slots=True)
class Match(Generic[T]):
    """A matched route with its parameters, decoded except for ``%2F``."""

    target: T
    parameters: dict[str, str]


def _segment(text: str) -> _Segment:
    if match := _PARAMETER.fullmatch(text):
        return _Segment(name=match[1])
    if "{" in text or "}" in text:
        raise RouteError(
            f"devhost does not serve the route segment '{text}', only fixed ones and whole parameters such as {{id}}. "
            "Use 'func start'."
        )
    return _Segment(literal=text.lower())


def parse_route(template: str, target: T, methods: frozenset[str] | None = None) -> Route[T]:
    """Parse a template without its leading slash. Raises RouteError."""
    parts = [part for part in template.strip("/").split("/") if part]
    return Route(target, tuple(_segment(part) for part in parts), methods)


def decode(text: str) -> str:
    """Decode percent escapes, but leave an escaped slash as it is: so does the real host."""
    return "%2F".join(unquote(part) for part in _SLASH.split(text))


def _match_path(segments: tuple[_Segment, ...], parts: list[str]) -> dict[str, str] | None:
    if len(segments) != len(parts):
        return None
    parameters: dict[str, str] = {}
    for segment, part in zip(segments, parts, strict=True):
        value = decode(part)
        if segment.name:
            parameters[segment.name] = value
        elif value.lower() != segment.literal:
            return None
    return parameters


def match_route(routes: Iterable[Route[T]], method: str, raw_path: str) -> Match[T] | None:
    """The best route for a method and an undecoded path, or None.

    Segment by segment from the left a fixed one beats a parameter.
    """
    parts = [part for part in raw_path.split("/") if part]
    found: list[tuple[list[bool], Match[T]]] = []
    for route in routes:
        if route.methods is not None and method.upper() not in route.methods:
            continue
        parameters = _match_path(route.segments, parts)
        if parameters is not None:
            found.append(([bool(segment.name) for segment in route.segments], Match(route.target, parameters)))
    return min(found, key=lambda item: item[0])[1] if found else None
