"""The figures of a benchmark run: ratios for machines, tables for people."""

import json
import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from statistics import median

from dev.benchmarks import tools
from dev.benchmarks.audits import STEPS, Audit, Measured
from dev.benchmarks.clients import Comparison, Row
from dev.benchmarks.throttling import LATENCY_MS, Throttled

Figures = dict[str, float | int | None]

UPLOADS = "Audits of stuck uploads"
_UPLOADS_BY = (
    "Through devhost, Postgres, Azurite as run store and a real Prefect 3 (its runs are copies of two that its API "
    "made, written into its database). The bucket is a stub that can list and read (`dev/devstack/bucket_stub`). The "
    "second look does not pause. Of the videos a fifth is stuck, half have a run; each audit finds all of that and "
    "nothing else."
)
RECORDINGS = "Audits of temporary recordings"
_RECORDINGS_BY = (
    "Through devhost, Postgres and Azurite as run store. The bucket is a stub that lists keys and sizes "
    "(`dev/devstack/bucket_stub`): two files for each chunk, one for each recording. Meetings have 50 to 500 chunks, "
    "one of them 10,000, and five participants. Of twenty meetings one is paused, one lacks the file of a recording, "
    "so that a fifth of its chunks expire, and in one a chunk failed; each audit gives every verdict as often as it "
    "was planted. The second look does not pause, and AUDIT_MAX_CONTAINERS is raised to the number of files."
)
NAMES = {
    "ours": "capture-audit's lister",
    "rclone": "rclone lsf -R --disable ListR",
    "sdk_names": "azure-storage-blob list_blob_names",
    "sdk_blobs": "azure-storage-blob list_blobs",
    "obstore": "obstore list",
    "az": "az storage blob list, in a loop",
}


@dataclass
class Measurements:
    """What has been measured so far: comparisons by their names, audits and rclone's listing of the same account by its
    size, runs on an account with a limit, and how many answers per second the stub can give, without TLS and with it.
    """

    comparisons: dict[str, Comparison] = field(default_factory=dict)
    audits: dict[int, list[Audit]] = field(default_factory=dict)
    rclone: dict[int, Row] = field(default_factory=dict)
    throttled: list[Throttled] = field(default_factory=list)
    ceilings: dict[str, float | None] = field(default_factory=dict)

    def add(self, size: int, measured: Measured) -> None:
        """Audits of an account of that size, beside those that were added before."""
        of_size = [*self.audits.get(size, ()), *measured.audits]
        self.audits = dict(sorted({**self.audits, size: of_size}.items()))
        if measured.rclone:
            self.rclone[size] = measured.rclone


def figures(measured: Measurements) -> Figures:
    """The figures that the README quotes, of listings and, if there were any, of audits; None for what was not
    measured.
    """
    return listing_figures(measured) | (audit_figures(measured) if measured.audits else {})


def listing_figures(measured: Measurements) -> Figures:
    """Of listing alone. What was throttled counts as the worst of its runs."""
    small, over_tls = measured.comparisons["small"], measured.comparisons.get("small_tls")
    large, latency = measured.comparisons.get("large"), measured.comparisons.get("latency")
    runs = measured.throttled
    return {
        "list_vs_rclone_speed": _rounded(small.ratio("ours", "rclone")),
        "list_vs_rclone_cpu": _rounded(small.cpu_ratio("ours", "rclone")),
        "list_tls_vs_rclone_cpu": _rounded(over_tls.cpu_ratio("ours", "rclone") if over_tls else None),
        "list500_vs_rclone_speed": _rounded(large.ratio("ours", "rclone") if large else None),
        "list_vs_sdk_speed": _rounded(small.ratio("ours", "sdk_blobs")),
        "throttled_efficiency": _rounded(min((run.efficiency for run in runs), default=None)),
        "throttled_refused_share": _rounded(max((run.refused_share for run in runs), default=None)),
        "loop_lag_p99_ms": _rounded(latency.rows["ours"].lag_p99_ms if latency else None),
    }


def audit_figures(measured: Measurements) -> Figures:
    """Of whole audits; their sizes are those of the audits' keys."""
    full, fast = _of_mode(measured.audits, "full"), _of_mode(measured.audits, "fast")
    everything = [audit for runs in measured.audits.values() for audit in runs]
    at = 20_000 if 20_000 in full else max(full)
    wall = {size: median(audit.wall for audit in runs) for size, runs in full.items()}
    fast_wall = {size: median(audit.wall for audit in runs) for size, runs in fast.items()}
    memory = {size: median(audit.memory.get("host", 0) for audit in runs) for size, runs in full.items()}
    rclone = {size: row.cost.wall for size, row in measured.rclone.items()}
    more, million = at * 10, 1_000_000
    return {
        "audit_vs_list_wall": _rounded(wall[at] / _list_wall(measured.comparisons["small"], at)),
        "audit_vs_rclone_wall": _ratio(wall, at, rclone, at),
        "fast_vs_rclone_wall": _ratio(fast_wall, at, rclone, at),
        "million_vs_rclone_wall": _ratio(wall, million, rclone, million),
        "growth_200k_over_20k": _ratio(wall, more, wall, at),
        "rss_200k_over_20k": _ratio(memory, more, memory, at),
        "rss_1m_over_20k": _ratio(memory, million, memory, at),
        "fast_over_full_wall": _ratio(fast_wall, at, wall, at),
        "containers_per_second_audit": round(at / wall[at]),
        "max_history_payload_bytes": max(audit.largest_payload_bytes for audit in everything),
        "max_activities": max(audit.activities for audit in everything),
    }


def _of_mode(audits: dict[int, list[Audit]], mode: str) -> dict[int, list[Audit]]:
    """Those sizes that have audits of the mode."""
    of_mode = {size: [audit for audit in runs if audit.mode == mode] for size, runs in audits.items()}
    return {size: runs for size, runs in of_mode.items() if runs}


def _ratio(of: Mapping[int, float], size: int, to: Mapping[int, float], other: int) -> float | None:
    return _rounded(of[size] / to[other]) if size in of and other in to else None


def _list_wall(comparison: Comparison, containers: int) -> float:
    """Seconds that the bare lister takes for that many containers."""
    return containers / comparison.rows["ours"].speed


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 3)


def markdown(measured: Measurements, numbers: Figures) -> str:
    """dev/benchmarks/results.md."""
    parts = ["# Benchmark results", "", "Written by `make bench`; run it on your machine for figures of your own.", ""]
    parts += [f"* {line}" for line in _machine()]
    parts += ["", "## Figures", "", "| figure | value |", "|---|---|"]
    parts += [f"| `{name}` | {'not measured' if value is None else value} |" for name, value in numbers.items()]
    parts += ["", "## CPU of listing", "", *_table_of_cpu(measured)]
    for comparison in measured.comparisons.values():
        parts += ["", f"## Listing {comparison.title}", "", *_table_of(comparison)]
    if measured.throttled:
        parts += ["", "## Listing an account with a limit", "", *_table_of_throttled(measured.throttled)]
    if measured.audits:
        parts += ["", "## Whole audits", ""]
        how = "Through devhost, Postgres and Azurite, with a worker process for each core if no other number is named"
        parts += [f"{how}; medians where a size ran several times.", ""]
        parts += [*_table_of_steps("containers", measured.audits), ""]
        parts += [*_table_of_rclone(measured.rclone), *_table_of_memory("containers", measured.audits)]
    return "\n".join(parts) + "\n"


def _table_of_cpu(measured: Measurements) -> list[str]:
    """Only where there is no latency: waiting costs CPU as well."""
    near = {name: one for name, one in measured.comparisons.items() if name not in {"latency", "az"}}
    lines = [
        "Microseconds of the client's CPU for each container, by its number of blobs; a listing client's speed is what "
        "this leaves it on the cores it has, up to the stub's own ceiling on one core (by wrk, listings of 4 blobs): "
        + ", ".join(f"{what} {_or_not(rate)}" for what, rate in measured.ceilings.items())
        + ".",
        "",
    ]
    lines += [f"| client | {' | '.join(f'{one.blobs:,}' + ', TLS' * one.tls for one in near.values())} |"]
    lines += ["|---|" + "---:|" * len(near)]
    for client in dict.fromkeys(client for one in near.values() for client in one.rows):
        cells = [f"{one.rows[client].cpu_us:,.0f}" if client in one.rows else "" for one in near.values()]
        lines.append(f"| {NAMES[client]} | {' | '.join(cells)} |")
    return lines


def _or_not(rate: float | None) -> str:
    return "not measured" if rate is None else f"{rate:,.0f} answers/s"


def _table_of(comparison: Comparison) -> list[str]:
    lines = ["| client | containers | containers/s | wall s | CPU s | memory MB | loop late, p99 ms | runs |"]
    lines += ["|---|---:|---:|---:|---:|---:|---:|---:|"]
    for row in comparison.rows.values():
        late = "" if row.lag_p99_ms is None else f"{row.lag_p99_ms:.1f}"
        lines.append(
            f"| {NAMES[row.client]} | {row.containers:,} | {row.speed:,.1f} | {row.cost.wall:.2f} | "
            f"{row.cost.cpu:.2f} | {row.cost.memory:.0f} | {late} | {row.runs} |"
        )
    return lines


def _table_of_throttled(runs: Sequence[Throttled]) -> list[str]:
    lines = [f"Our lister, {LATENCY_MS[0]} to {LATENCY_MS[1]} ms latency, no limit of its own.", ""]
    lines += [
        "| allowed | refusals say | containers | containers/s | used | refused |",
        "|---:|---|---:|---:|---:|---:|",
    ]
    for run in runs:
        after = run.limit.retry_after
        said = "nothing" if after is None else f"`Retry-After: {after}`"
        lines.append(
            f"| {run.limit.per_second:,}/s | {said} | {run.containers:,} | {run.containers / run.wall:,.0f} | "
            f"{run.efficiency:.1%} | {run.refused_share:.2%} |"
        )
    return lines


def _table_of_rclone(rows: dict[int, Row]) -> list[str]:
    if not rows:
        return []
    lines = ["rclone's listing alone of the same accounts, in turn with the audits:", ""]
    lines += ["| containers | wall s | CPU s | memory MB | runs |", "|---:|---:|---:|---:|---:|"]
    for size, row in rows.items():
        cost = row.cost
        lines.append(f"| {size:,} | {cost.wall:.2f} | {cost.cpu:.2f} | {cost.memory:,.0f} | {row.runs} |")
    return [*lines, ""]


def _table_of_steps(of: str, audits: dict[int, list[Audit]]) -> list[str]:
    lines = [f"| {of} | mode | wall s | {' | '.join(STEPS)} | engine | activities | history KB |"]
    lines.append("|---:|---|---:|" + "---:|" * (len(STEPS) + 3))
    for size, runs in audits.items():
        for mode in dict.fromkeys(audit.mode for audit in runs):
            of_mode = [audit for audit in runs if audit.mode == mode]
            lines.append(_audit_row(size, mode, of_mode))
    return lines


def _table_of_memory(of: str, audits: dict[int, list[Audit]]) -> list[str]:
    lines = ["Peak of memory of each process and its children, in MB (what is shared counts once):", ""]
    names = list(next(iter(audits.values()))[0].memory)
    lines += [f"| {of} | mode | {' | '.join(names)} | all |", "|---:|---|" + "---:|" * (len(names) + 1)]
    for size, runs in audits.items():
        for mode in dict.fromkeys(audit.mode for audit in runs):
            peaks = [median(audit.memory[name] for audit in runs if audit.mode == mode) for name in names]
            cells = " | ".join(f"{peak:,.0f}" for peak in [*peaks, sum(peaks)])
            lines.append(f"| {size:,} | {mode} | {cells} |")
    return lines


def uploads_figures(audits: dict[int, list[Audit]]) -> Figures:
    """The figures of audits of stuck uploads, in their first mode and their last, by the number of videos; None for
    what was not measured.
    """
    few, many = 10_000, 100_000
    host = {(size, audit.mode): audit.memory.get("host", 0) for size, runs in audits.items() for audit in runs}

    def ratio(mode: str) -> float | None:
        both = (many, mode) in host and (few, mode) in host
        return _rounded(host[many, mode] / host[few, mode] if both else None)

    return {"stuck_uploads_rss_100k_over_10k": ratio("full"), "stuck_uploads_fast_rss_100k_over_10k": ratio("fast")}


def recordings_figures(audits: dict[int, list[Audit]]) -> Figures:
    """The figures of audits of temporary recordings by the number of chunks; None for what was not measured."""
    few, many = 100_000, 1_000_000
    host = {size: audit.memory.get("host", 0) for size, runs in audits.items() for audit in runs}
    walls = {size: audit.wall for size, runs in audits.items() for audit in runs}
    has_both = few in host and many in host
    return {
        "temp_recordings_rss_1m_over_100k": _rounded(host[many] / host[few] if has_both else None),
        "temp_recordings_growth_1m_over_100k": _rounded(walls[many] / walls[few] if has_both else None),
    }


def uploads_section(audits: dict[int, list[Audit]]) -> str:
    """The section on audits of stuck uploads, with a date and a machine of its own: it can be measured alone."""
    return _section(UPLOADS, ("stuck-uploads", "videos", _UPLOADS_BY), uploads_figures(audits), audits)


def recordings_section(audits: dict[int, list[Audit]]) -> str:
    """As ``uploads_section``, on audits of temporary recordings."""
    return _section(RECORDINGS, ("temp-recordings", "chunks", _RECORDINGS_BY), recordings_figures(audits), audits)


def _section(title: str, about: tuple[str, str, str], numbers: Figures, audits: dict[int, list[Audit]]) -> str:
    """``about``: the profile, what its sizes count, and how it was measured."""
    profile, of, how = about
    machine, libraries, _ = _machine()
    parts = [
        f"## {title}",
        "",
        f"Written by `python -m dev.benchmarks --only {profile}`, or with everything else: {machine}. {libraries}.",
        "",
        how,
        "",
        _load(os.getloadavg()[-1]),
        "",
        "| figure | value |",
        "|---|---|",
    ]
    parts += [f"| `{name}` | {'not measured' if value is None else value} |" for name, value in numbers.items()]
    parts += ["", *_table_of_steps(of, audits)]
    parts += ["", *_table_of_memory(of, audits)]
    return "\n".join(parts) + "\n"


def _load(average: float) -> str:
    """How far the seconds can be trusted."""
    cores = os.cpu_count() or 1
    busy = "others were at work, so seconds mean little and memory is what counts" if average > cores + 1 else "quiet"
    return f"Load of the machine over the last 15 minutes: {average:.1f} on {cores} cores ({busy})."


def with_section(text: str, section: str) -> str:
    """A document with a section, in the place of the one with its heading or at the end."""
    heading = section.partition("\n")[0]
    before, found, rest = text.partition(f"{heading}\n")
    if not found:
        return f"{text.rstrip()}\n\n{section}"
    _, following, after = rest.partition("\n## ")
    return f"{before}{section}" + (f"\n## {after}" if following else "")


def section_of(text: str, title: str) -> str | None:
    """A section of a document, from its heading on; None if there is none of that title."""
    _, found, rest = text.partition(f"## {title}\n")
    return f"## {title}\n{rest.partition(f'{chr(10)}## ')[0].rstrip()}\n" if found else None


def _audit_row(size: int, mode: str, runs: Sequence[Audit]) -> str:
    steps = " | ".join(f"{median(audit.steps[step] for audit in runs):.2f}" for step in STEPS)
    wall, engine = median(audit.wall for audit in runs), median(audit.engine for audit in runs)
    activities, history = runs[0].activities, median(audit.history_bytes for audit in runs) / 1024
    return f"| {size:,} | {mode} | {wall:.2f} | {steps} | {engine:.2f} | {activities} | {history:.0f} |"


def _machine() -> list[str]:
    model = "unknown processor"
    try:
        with Path("/proc/cpuinfo").open(encoding="utf-8") as lines:
            model = next(line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        model = platform.processor() or model
    rclone = tools.rclone()
    libraries = ("aiohttp", "azure-storage-blob", "azure-functions-durable")
    return [
        f"{datetime.now(UTC):%Y-%m-%d}, {os.cpu_count()} cores, {model}, {platform.system()} {platform.release()}",
        ", ".join([f"Python {platform.python_version()}", *(f"{name} {version(name)}" for name in libraries)]),
        tools.version_of(rclone, "version") if rclone else "no rclone",
    ]


def one_line(numbers: Figures) -> str:
    """The figures as one line of JSON."""
    return json.dumps(numbers)
