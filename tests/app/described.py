"""Real answers held against the app's own OpenAPI document."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

import httpx
from jsonschema import Draft202012Validator, FormatChecker
from referencing import Registry
from referencing.jsonschema import DRAFT202012

_ID = "urn:capture-audit"


def pointer(*parts: str) -> str:
    return "/".join(["#", *(part.replace("~", "~0").replace("/", "~1") for part in parts)])


class Description:
    """What the document says of every route; ``undocumented`` tells how an answer differs from it."""

    def __init__(self, document: dict[str, Any]) -> None:
        self.document = document
        self._registry = Registry().with_resource(_ID, DRAFT202012.create_resource(document))
        self._validators: dict[str, Draft202012Validator] = {}
        self.seen: set[tuple[str, str, str, str]] = set()

    @property
    def operations(self) -> dict[tuple[str, str], dict[str, Any]]:
        """Every operation by its method and the template of its path."""
        return {
            (method.upper(), path): operation
            for path, methods in self.document["paths"].items()
            for method, operation in methods.items()
        }

    def answers(self) -> set[tuple[str, str, str, str]]:
        """Every method, path, status and media type that the app itself can answer with."""
        return {
            (method, path, status, media)
            for (method, path), operation in self.operations.items()
            for status, answer in operation["responses"].items()
            for media in answer.get("content", {})
        }

    def undocumented(self, method: str, path: str, status: int, headers: Mapping[str, str], read: Any) -> list[str]:
        """Every way in which the answer of a route is not as described. ``read`` gives the body as JSON."""
        answer = self.operations[method, path]["responses"].get(str(status))
        if answer is None:
            return [f"status {status} is not documented"]
        media = headers.get("content-type", "").partition(";")[0]
        if media not in answer.get("content", {}):
            return [f"status {status} with {media or 'no content type'} is not documented"]
        self.seen.add((method, path, str(status), media))
        place = ("paths", path, method.lower(), "responses", str(status))
        told = [
            f"header {name}: {problem}"
            for name, header in answer.get("headers", {}).items()
            for problem in self._header(name, header, headers, (*place, "headers", name, "schema"))
        ]
        if not media.endswith("json"):
            return told
        validator = self._validator(*place, "content", media, "schema")
        return told + [f"{error.json_path}: {error.message[:200]}" for error in validator.iter_errors(read())]

    def _header(
        self, name: str, header: Mapping[str, Any], headers: Mapping[str, str], place: tuple[str, ...]
    ) -> list[str]:
        value = headers.get(name.lower())
        if value is None:
            return ["is missing"] if header.get("required") else []
        return [error.message for error in self._validator(*place).iter_errors(value)]

    def _validator(self, *place: str) -> Draft202012Validator:
        where = pointer(*place)
        if where not in self._validators:
            self._validators[where] = Draft202012Validator(
                {"$ref": f"{_ID}{where}"}, registry=self._registry, format_checker=FormatChecker()
            )
        return self._validators[where]

    def template(self, method: str, path: str) -> str | None:
        """The path of the document that an undecoded path stands for, matched as the host matches routes."""
        asked = [unquote(part).lower() for part in path.split("/") if part]
        for known_method, template in self.operations:
            parts = template.strip("/").split("/")
            fits = all(part.startswith("{") or part == seen for part, seen in zip(parts, asked, strict=False))
            if known_method == method and fits and len(parts) == len(asked):
                return template
        return None


def checked(description: Description, response: httpx.Response) -> httpx.Response:
    """The answer, which must be as described."""
    path = response.request.url.raw_path.decode().partition("?")[0].removeprefix("/api")
    method = response.request.method
    template = description.template(method, path)
    assert template is not None, path
    told = description.undocumented(method, template, response.status_code, response.headers, response.json)
    assert told == [], f"{method} {path}: {response.text[:500]}"
    return response
