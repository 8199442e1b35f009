"""The figures of a benchmark run: ratios for machines, tables for people."""

import json
import os
import platform
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from statistics import median

from dev.benchmarks import tools
from dev.benchmarks.audits import STEPS, Audit
from dev.benchmarks.clients import Comparison

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
    "az": "az storage blob list, in a loop",
}


def figures(comparisons: dict[str, Comparison], audits: dict[int, list[Audit]]) -> Figures:
    """The figures that the README quotes; None for what was not measured. Sizes are those of ``audits``' keys."""
    small, large = comparisons["small"], comparisons.get("large")
    full = {size: [audit for audit in runs if audit.mode == "full"] for size, runs in audits.items()}
    fast = {size: [audit for audit in runs if audit.mode == "fast"] for size, runs in audits.items()}
    everything = [audit for runs in audits.values() for audit in runs]
    at = 20_000 if 20_000 in full else max(full)
    more = at * 10
    wall = {size: median(audit.wall for audit in runs) for size, runs in full.items()}
    memory = {size: median(audit.memory.get("host", 0) for audit in runs) for size, runs in full.items()}
    fast_wall = median(audit.wall for audit in fast[at]) if fast.get(at) else None
    return {
        "list_vs_rclone_speed": _rounded(small.ratio("ours", "rclone")),
        "list_vs_rclone_cpu": _rounded(small.cpu_ratio("ours", "rclone")),
        "list500_vs_rclone_speed": _rounded(large.ratio("ours", "rclone") if large else None),
        "list_vs_sdk_speed": _rounded(small.ratio("ours", "sdk_blobs")),
        "audit_vs_list_wall": _rounded(wall[at] / _list_wall(small, at)),
        "growth_200k_over_20k": _rounded(wall[more] / wall[at] if more in wall else None),
        "rss_200k_over_20k": _rounded(memory[more] / memory[at] if more in memory else None),
        "fast_over_full_wall": _rounded(fast_wall / wall[at] if fast_wall else None),
        "containers_per_second_audit": round(at / wall[at]),
        "max_history_payload_bytes": max(audit.largest_payload_bytes for audit in everything),
        "max_activities": max(audit.activities for audit in everything),
    }


def _list_wall(comparison: Comparison, containers: int) -> float:
    """Seconds that the bare lister takes for that many containers."""
    return containers / comparison.rows["ours"].speed


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 3)


def markdown(comparisons: Sequence[Comparison], audits: dict[int, list[Audit]], numbers: Figures) -> str:
    """dev/benchmarks/results.md."""
    parts = ["# Benchmark results", "", "Written by `make bench`; run it on your machine for figures of your own.", ""]
    parts += [f"* {line}" for line in _machine()]
    parts += ["", "## Figures", "", "| figure | value |", "|---|---|"]
    parts += [f"| `{name}` | {'not measured' if value is None else value} |" for name, value in numbers.items()]
    for comparison in comparisons:
        parts += ["", f"## Listing {comparison.title}", ""]
        parts += ["| client | containers | containers/s | wall s | CPU s | memory MB | runs |"]
        parts += ["|---|---:|---:|---:|---:|---:|---:|"]
        parts += [
            f"| {NAMES[row.client]} | {row.containers:,} | {row.speed:,.1f} | {row.cost.wall:.2f} | "
            f"{row.cost.cpu:.2f} | {row.cost.memory:.0f} | {row.runs} |"
            for row in comparison.rows.values()
        ]
    parts += [
        "",
        "## Whole audits",
        "",
        "Through devhost, Postgres and Azurite; medians where a size ran several times.",
        "",
    ]
    parts += [*_table_of_steps("containers", audits), "", *_table_of_memory("containers", audits)]
    return "\n".join(parts) + "\n"


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
