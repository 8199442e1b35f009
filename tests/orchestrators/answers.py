"""What activities answer to a host, and how they fail there."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

Answer = Callable[[dict[str, Any]], Any]
ENDED = {"ok": True, "state": "completed", "outcome": "clean", "notify": False}
FAILED = {"ok": True, "state": "failed", "outcome": "failed", "notify": False}


def refused(error: str, *, retryable: bool) -> dict[str, Any]:
    """An expected failure: an answer like any other."""
    return {"ok": False, "error": error, "retryable": retryable}


def scanned(failed: int = 0) -> dict[str, Any]:
    """A shard whose result is written."""
    return {"ok": True, "scanned": 500, "skipped": 0, "failed": failed}


@dataclass
class World:
    """Activities that do nothing and answer as they were told; ``asked`` counts the requests of each kind."""

    shards: int = 2
    pieces: int = 2
    max_passes: int = 3
    answers: dict[str, Answer] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    def __call__(self, name: str, request: dict[str, Any]) -> Any:
        self.asked.append(json.dumps([name, request]))
        if name in self.answers:
            return self.answers[name](request)
        usual = {
            "plan": {"ok": True, "shards": self.shards, "max_passes": self.max_passes},
            "scan_shard": scanned(),
            "screen": {"ok": True, "shards": self.pieces},
            "keep_dead_letters": {"ok": True, "dead_letters": 1},
            "report": ENDED,
            "fail": FAILED,
        }
        return usual.get(name, {"ok": True})


def raising(text: str) -> Answer:
    """An activity that raises, or whose worker died."""

    def answer(_request: dict[str, Any]) -> Any:
        raise RuntimeError(text)

    return answer


def once(first: Answer, then: Any) -> Answer:
    """An activity that does ``first`` for the first request of a kind and answers ``then`` from the second on."""
    seen: set[str] = set()

    def answer(request: dict[str, Any]) -> Any:
        kind = json.dumps({name: value for name, value in request.items() if name != "attempt"})
        if kind in seen:
            return then
        seen.add(kind)
        return first(request)

    return answer
