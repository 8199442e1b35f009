"""What every answer must be, whatever was asked: no server error, no secret, and nothing that is not documented."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.app.described import Description


@dataclass
class Tally:
    """What was asked, and everything that was wrong with the answers."""

    requests: int = 0
    server_errors: list[str] = field(default_factory=list)
    secrets: list[str] = field(default_factory=list)
    undocumented: list[str] = field(default_factory=list)

    @property
    def problems(self) -> list[str]:
        kinds = {"server error": self.server_errors, "secret": self.secrets, "undocumented": self.undocumented}
        return [f"{kind}: {problem}" for kind, problems in kinds.items() for problem in problems]

    def to_json(self) -> str:
        counts = {"server_errors": self.server_errors, "secrets": self.secrets, "undocumented": self.undocumented}
        return json.dumps({"requests": self.requests, **{name: len(found) for name, found in counts.items()}})


@dataclass(frozen=True)
class Asked:
    """A request as it is told: ``path`` is below /api and undecoded, ``fields`` are those that a refusal may name."""

    method: str
    path: str
    body: bytes = b""
    fields: frozenset[str] | None = None

    def __str__(self) -> str:
        return f"{self.method} {self.path[:300]} {self.body[:300]!r}"


class Judge:
    """Looks at every answer and keeps the tally."""

    def __init__(self, description: Description, secrets: Sequence[bytes]) -> None:
        self.description = description
        self.tally = Tally()
        self._secrets = secrets

    def no_answer(self, asked: Asked, why: str) -> None:
        """The connection broke off without an answer."""
        self.tally.requests += 1
        self.tally.server_errors.append(f"{asked}: {why}")

    def look(self, asked: Asked, status: int, headers: Mapping[str, str], body: bytes) -> None:
        """Judge one answer; the names of its headers are in lower case."""
        self.tally.requests += 1
        if status >= 500:
            self.tally.server_errors.append(f"{asked}: {status} {body[:300]!r}")
        told = body + repr(dict(headers)).encode()
        self.tally.secrets += [f"{asked}: {secret[:6]!r}..." for secret in self._secrets if secret in told]
        template = self.description.template(asked.method, asked.path.partition("?")[0])
        if template is not None:
            self.tally.undocumented += [
                f"{asked}: {one}" for one in self._undocumented(asked, template, status, headers, body)
            ]
        elif status == 200:
            self.tally.undocumented.append(f"{asked}: 200, although no route is documented for it")

    def _undocumented(
        self, asked: Asked, template: str, status: int, headers: Mapping[str, str], body: bytes
    ) -> list[str]:
        try:
            document: Any = json.loads(body) if "json" in headers.get("content-type", "") else None
        except ValueError as error:
            return [f"not JSON: {error}"]
        told = self.description.undocumented(asked.method, template, status, headers, lambda: document)
        if not told and status == 400 and asked.fields is not None:
            named = {error["field"].partition(".")[0] for error in document["errors"]}
            if not named & asked.fields:
                told.append(f"400 names {sorted(named)}, none of {sorted(asked.fields)}")
        return told
