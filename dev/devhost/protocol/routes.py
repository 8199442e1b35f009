"""ASP.NET route templates, as the Functions host matches them: ``{x}``, ``{x?}``, ``{x:int}``, ``{*rest}``."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Generic, TypeVar
from urllib.parse import unquote

T = TypeVar("T")
_PARAMETER = re.compile(r"\{(\*{0,2})([A-Za-z_]\w*)((?::[^{}?=]+)*)(\?)?(?:=([^{}]*))?\}")
_SLASH = re.compile("%2f", re.IGNORECASE)


def _is_guid(text: str) -> bool:
    return re.fullmatch(r"[0-9a-fA-F]{8}-?(?:[0-9a-fA-F]{4}-?){3}[0-9a-fA-F]{12}", text) is not None


_CONSTRAINTS: dict[str, Callable[[str], bool]] = {
    "int": lambda text: re.fullmatch(r"[+-]?\d+", text) is not None and -(2**31) <= int(text) < 2**31,
    "long": lambda text: re.fullmatch(r"[+-]?\d+", text) is not None and -(2**63) <= int(text) < 2**63,
    "bool": lambda text: text.lower() in ("true", "false"),
    "alpha": lambda text: re.fullmatch("[A-Za-z]*", text) is not None,
    "guid": _is_guid,
}


class RouteError(ValueError):
    """A template that this host cannot match."""


@dataclass(frozen=True, slots=True)
class _Segment:
    literal: str = ""
    name: str = ""
    constraint: str = ""
    optional: bool = False
    rest: bool = False
    default: str | None = None

    @property
    def rank(self) -> int:
        if not self.name:
            return 0
        if self.rest:
            return 4
        return 1 if self.constraint else 3 if self.optional else 2


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
    match = _PARAMETER.fullmatch(text)
    if match is None:
        if "{" in text or "}" in text:
            raise RouteError(f"devhost cannot match the route segment '{text}': use whole segments as parameters.")
        return _Segment(literal=text.lower())
    star, name, constraint, optional, default = match.groups()
    constraint = constraint.lstrip(":")
    if constraint and constraint not in _CONSTRAINTS:
        known = ", ".join(_CONSTRAINTS)
        raise RouteError(f"devhost does not know the route constraint '{constraint}', only {known}.")
    return _Segment("", name, constraint, bool(optional), bool(star), default)


def parse_route(template: str, target: T, methods: frozenset[str] | None = None) -> Route[T]:
    """Parse a template without its leading slash. Raises RouteError."""
    parts = [part for part in template.strip("/").split("/") if part]
    return Route(target, tuple(_segment(part) for part in parts), methods)


def decode(text: str) -> str:
    """Decode percent escapes, but leave an escaped slash as it is: so does the real host."""
    return "%2F".join(unquote(part) for part in _SLASH.split(text))


def _match_path(segments: tuple[_Segment, ...], parts: list[str]) -> dict[str, str] | None:
    parameters: dict[str, str] = {}
    for index, segment in enumerate(segments):
        if segment.rest:
            rest = "/".join(decode(part) for part in parts[index:])
            return {**parameters, segment.name: rest} if rest else parameters
        value = decode(parts[index]) if index < len(parts) else segment.default
        if value is None:
            if segment.optional:
                continue
            return None
        if segment.name:
            if segment.constraint and not _CONSTRAINTS[segment.constraint](value):
                return None
            parameters[segment.name] = value
        elif value.lower() != segment.literal:
            return None
    return parameters if len(parts) <= len(segments) else None


def match_route(routes: Iterable[Route[T]], method: str, raw_path: str) -> Match[T] | None:
    """The best route for a method and an undecoded path, or None.

    Segment by segment from the left a literal beats a constrained parameter, that a plain one, that a catch-all.
    """
    parts = [part for part in raw_path.split("/") if part]
    found: list[tuple[tuple[int, ...], Match[T]]] = []
    for route in routes:
        if route.methods is not None and method.upper() not in route.methods:
            continue
        parameters = _match_path(route.segments, parts)
        if parameters is not None:
            rank = tuple(segment.rank for segment in route.segments)
            found.append((rank, Match(route.target, parameters)))
    return min(found, key=lambda item: item[0])[1] if found else None
