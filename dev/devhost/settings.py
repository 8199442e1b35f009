"""host.json and local.settings.json, read as Core Tools reads them."""

import json
import os
from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from dev.devhost.protocol.times import parse_timespan

_DEFAULT_TIMEOUT = "00:30:00"
_DEFAULT_HUB = "TestHubName"
_PROCESSES = "FUNCTIONS_WORKER_PROCESS_COUNT"
_MOST_PROCESSES = 10


class SettingsError(ValueError):
    """A configuration file that cannot be used; the text names file and key."""


@dataclass(frozen=True, slots=True)
class HostSettings:
    """What this host takes from host.json. ``function_timeout`` None: no limit."""

    route_prefix: str
    task_hub: str
    max_activities: int
    max_orchestrators: int
    function_timeout: timedelta | None


def _read(path: Path) -> dict[str, Any]:
    try:
        data = json.loads(path.read_text(encoding="utf-8-sig"))
    except ValueError as error:
        raise SettingsError(f"'{path}' is not JSON: {error}") from error
    if not isinstance(data, dict):
        raise SettingsError(f"'{path}' must hold a JSON object.")
    return data


def _section(data: dict[str, Any], *keys: str) -> dict[str, Any]:
    for key in keys:
        data = data.get(key) or {}
    return data


def _at_least_one(section: dict[str, Any], key: str, default: int) -> int:
    value = section.get(key, default)
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise SettingsError(f"host.json: {key} must be a whole number of at least 1, not {value!r}.")
    return value


def read_host_json(root: Path) -> HostSettings:
    """Read ``host.json`` in the app's folder. Raises SettingsError."""
    path = root / "host.json"
    if not path.is_file():
        raise SettingsError(f"There is no host.json in '{root}'. Give the app's folder with --root.")
    data = _read(path)
    durable = _section(data, "extensions", "durableTask")
    timeout = str(data.get("functionTimeout") or _DEFAULT_TIMEOUT)
    try:
        limit = None if timeout == "-1" else parse_timespan(timeout)
    except ValueError as error:
        raise SettingsError(f"host.json: functionTimeout: {error}.") from error
    concurrency = 10 * (os.cpu_count() or 1)
    return HostSettings(
        route_prefix=str(_section(data, "extensions", "http").get("routePrefix", "api")).strip("/"),
        task_hub=str(durable.get("hubName") or os.environ.get("WEBSITE_SITE_NAME") or _DEFAULT_HUB),
        max_activities=_at_least_one(durable, "maxConcurrentActivityFunctions", concurrency),
        max_orchestrators=_at_least_one(durable, "maxConcurrentOrchestratorFunctions", concurrency),
        function_timeout=limit,
    )


def worker_processes(environment: Mapping[str, str]) -> int:
    """How many worker processes to run. A real host, too, takes what is below 1 for 1. Raises SettingsError."""
    text = environment.get(_PROCESSES) or "1"
    try:
        count = max(1, int(text))
    except ValueError:
        count = _MOST_PROCESSES + 1
    if count > _MOST_PROCESSES:
        raise SettingsError(
            f"{_PROCESSES} must be a whole number of at most {_MOST_PROCESSES}, not {text!r}. A real host would start "
            "no worker, and serve nothing."
        )
    return count


def apply_local_settings(path: Path, environment: MutableMapping[str, str]) -> int:
    """Put ``Values`` into the environment, where variables that are there already win. Returns how many were put.

    Raises SettingsError, which names keys but never values.
    """
    values = _read(path).get("Values") or {}
    wrong = [key for key, value in values.items() if not isinstance(value, (str, int, float, bool))]
    if wrong:
        raise SettingsError(f"'{path}': Values must be texts; look at {', '.join(wrong)}.")
    fresh = {key: str(value) for key, value in values.items() if key not in environment}
    environment.update(fresh)
    return len(fresh)
