"""Reading the recordings of a real host, and comparing with them."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent / "recordings"
TIMES = frozenset({"Timestamp", "FireAt", "ScheduledTime", "createdTime", "lastUpdatedTime"})
_HEADER = """import asyncio
import datetime as dt
import azure.functions as func
import azure.durable_functions as df

app = df.DFApp()
ATT = {}


@app.route("start/{name}/{id}", methods=["POST"])
@app.durable_client_input(client_name="client")
async def start(req: func.HttpRequest, client: df.DurableOrchestrationClient) -> func.HttpResponse:
    value = req.get_json() if req.get_body() else None
    started = await client.start_new(req.route_params["name"], req.route_params["id"], value)
    return client.create_check_status_response(req, started)
"""
_DEFINITION = re.compile(r"^(?:async )?def (\w+)", re.MULTILINE)


@dataclass(frozen=True)
class Call:
    """One orchestrator call."""

    instance: str
    body: dict[str, Any]
    answer: dict[str, Any] | None
    error: str | None


def names() -> list[str]:
    return sorted(path.stem for path in FOLDER.glob("*.json") if path.stem != "client_binding")


def load(name: str) -> dict[str, Any]:
    data: dict[str, Any] = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    return data


def calls(recording: dict[str, Any]) -> Iterator[Call]:
    """The calls with their full bodies, as received."""
    last: dict[str, dict[str, Any]] = {}
    for call in recording["calls"]:
        body = call.get("body")
        if body is None:
            delta, previous = call["body_delta"], last[call["instance"]]
            same = enumerate(previous["history"][: delta["same"]])
            old = [dict(e, IsPlayed=e["IsPlayed"] or i in delta["played"]) for i, e in same]
            body = dict(previous, isReplaying=delta["isReplaying"], history=old + delta["new"])
        last[call["instance"]] = body
        yield Call(call["instance"], body, call["answer"], call["error"])


def app_source(scenarios: list[str]) -> str:
    """One function_app.py with the functions of all these scenarios, and the starter functions of the recordings."""
    seen: set[str] = set()
    blocks = [_HEADER]
    for scenario in scenarios:
        for block in load(scenario)["orchestrator"].split("\n\n\n")[1:]:
            name = _DEFINITION.search(block)
            assert name is not None, block
            if name[1] not in seen:
                seen.add(name[1])
                blocks.append(block.strip("\n") + "\n")
    return "\n\n".join(blocks)


def timeless(value: Any) -> Any:
    """The same without times."""
    if isinstance(value, dict):
        return {key: timeless(item) for key, item in value.items() if key not in TIMES}
    return [timeless(item) for item in value] if isinstance(value, list) else value


def alike(recorded: Any, actual: Any) -> bool:
    """Equal, where a recorded ``<...>`` stands for any text, and generated ids and addresses for any other."""
    if isinstance(recorded, dict) and isinstance(actual, dict):
        return recorded.keys() == actual.keys() and all(alike(recorded[key], actual[key]) for key in recorded)
    if isinstance(recorded, list) and isinstance(actual, list):
        return len(recorded) == len(actual) and all(map(alike, recorded, actual))
    if isinstance(recorded, str) and isinstance(actual, str):
        pattern = re.escape(recorded).replace(re.escape("<...>"), ".*")
        pattern = re.sub(r"[0-9a-f]{8}(\\\\?-[0-9a-f]{4}){3}\\\\?-[0-9a-f]{12}", "[0-9a-f-]{36}", pattern)
        pattern = re.sub(r"[0-9a-f]{32}", "[0-9a-f]{32}", pattern)
        pattern = re.sub(r"0x[0-9a-f]+", "0x[0-9a-f]+", pattern)
        return re.fullmatch(pattern, actual, re.DOTALL) is not None
    return type(recorded) is type(actual) and bool(recorded == actual)


def same_rows(recorded: list[Any], actual: list[Any]) -> bool:
    """Whether two histories are the same multiset of rows."""
    left = list(actual)
    for row in recorded:
        found = next((i for i, other in enumerate(left) if alike(timeless(row), timeless(other))), None)
        if found is None:
            return False
        left.pop(found)
    return not left
