"""The documents say what is so."""

import json
import os
import re
import shlex
from collections.abc import Mapping
from dataclasses import fields
from fnmatch import fnmatch
from pathlib import Path

import pytest

from adapters.schedules import word_of
from adapters.settings import VARIABLES, Settings, load_settings
from adapters.unattended import AUTO_REPAIR, MOST, MOST_BYTES, MOST_PER_HOUR, SCHEDULES, SHOWN
from auditctl.arguments import parse
from auditctl.commands import Report
from dev.benchmarks.results import RECORDINGS, UPLOADS, section_of
from profiles.pre_capture_sessions import PROFILE
from profiles.pre_capture_sessions.kinds import CONTAINER, RECORDING, SESSION
from reconciliation import VERSION
from reconciliation.lifecycle import ENDED
from reconciliation.outcome import Outcome
from reconciliation.parameters import NAMES, AuditParameters
from reconciliation.rules import Severity
from triggers.requests import read_start

ROOT = Path(__file__).parents[1]
REPAIR_ENDED = ("applied", "partly_applied", "failed", "stopped", "expired")
"""What a repair ends as by itself: people reject and take back."""
PRE_SCHEMA = (ROOT / "dev" / "demo" / "pre_schema.sql").read_text(encoding="utf-8").lower()
README = (ROOT / "README.md").read_text(encoding="utf-8")
DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), ROOT / "dev" / "devhost" / "README.md"])


def table(heading: str, document: str = README) -> list[list[str]]:
    """The rows of the first table under a heading of a document, without its head."""
    lines = document.partition(f"## {heading}\n")[2].splitlines()
    start = next(number for number, line in enumerate(lines) if line.startswith("|"))
    rows = []
    for line in lines[start:]:
        if not line.startswith("|"):
            break
        rows.append([cell.strip().replace("\\|", "|") for cell in re.split(r"(?<!\\)\|", line)[1:-1]])
    return rows[2:]


def written(value: object) -> str:
    """A setting as its variable holds it."""
    if isinstance(value, tuple):
        return ",".join(value)
    if isinstance(value, Mapping):
        return ",".join(value)
    if isinstance(value, bool):
        return str(value).lower()
    return "" if value is None else str(value)


def test_every_setting_is_in_the_readme_and_in_the_example() -> None:
    of_settings = [field.name for field in fields(Settings)]
    # Which the enabled profiles declare; beside retention_days; SHOWN.
    for name in ("connections", "own_retention_days", "own_schedules", "policies"):
        of_settings.remove(name)
    assert [*VARIABLES, "app_address", "is_on_platform", "platform_authenticates"] == of_settings  # which Azure gives
    documented = [
        *VARIABLES.values(),
        *SCHEDULES,
        *SHOWN.values(),
        *(one.setting for one in (*PROFILE.connections, *PROFILE.repair_connections())),
    ]
    rows = table("Settings")
    assert sorted(row[0] for row in rows) == sorted(f"`{name}`" for name in documented)
    example = json.loads((ROOT / "local.settings.example.json").read_text(encoding="utf-8"))["Values"]
    word = word_of(PROFILE.name)
    no_policy = {SHOWN[begins] for begins in (AUTO_REPAIR, MOST, MOST_PER_HOUR, MOST_BYTES)}
    documented = [name.replace("<PROFILE>", word) for name in documented if name not in no_policy]
    assert set(documented) <= set(example)
    assert set(example) - set(documented) == {"FUNCTIONS_WORKER_RUNTIME", "AzureWebJobsStorage"}


def test_the_defaults_of_readme_example_and_code_are_the_same() -> None:
    example = json.loads((ROOT / "local.settings.example.json").read_text(encoding="utf-8"))["Values"]
    documented = {row[0].strip("`"): row[1].strip("`") for row in table("Settings")}
    needed = {name: example[name] for name in ("SOURCE_STORAGE", "PRE_DATABASE", "AzureWebJobsStorage")}
    defaults = load_settings(needed)
    expected = {variable: written(getattr(defaults, name)) for name, variable in VARIABLES.items()} | SCHEDULES
    for variable, default in expected.items():
        if variable.startswith("AUDIT_"):
            assert documented[variable] == example[variable] == default
    assert load_settings(example) == load_settings({**needed, "REPORT_STORAGE": example["REPORT_STORAGE"]})


def test_the_request_in_the_readme_is_accepted_and_names_every_field() -> None:
    [body] = re.findall(r"```json\n(\{.*?\})\n```", README, re.DOTALL)
    assert read_start(body.encode(), {PROFILE.name: PROFILE}).since is not None
    assert set(json.loads(body)) == {*NAMES, *(option.name for option in PROFILE.options)}
    assert {*NAMES, "options"} == {field.name for field in fields(AuditParameters)}


def test_the_outcome_codes_of_the_readme_are_those_of_the_code() -> None:
    documented = {int(row[0]): row[1] for row in table("Outcomes")}
    assert documented.pop(2) == "bad usage"
    assert documented == {outcome.value: outcome.name.lower() for outcome in Outcome}


def test_the_verdicts_of_the_readme_are_the_urgent_ones_of_the_profile() -> None:
    urgent = {rule.verdict for _, rule in PROFILE.verdicts() if rule.severity is Severity.HIGH}
    documented = [row[0].strip("`") for row in table("Verdicts")]
    assert len(documented) == len(urgent)
    assert set(documented) == urgent


def test_all_verdicts_are_explained_in_the_words_of_the_profile() -> None:
    text = (ROOT / "docs" / "verdicts.md").read_text(encoding="utf-8")
    headings = {"Capture sessions": SESSION, "Registered recordings": RECORDING, "Containers": CONTAINER}
    documented = [
        (kind, row[0].strip("`"), *row[1:]) for heading, kind in headings.items() for row in table(heading, text)
    ]
    assert documented == [
        (kind, rule.verdict, f"{rule.severity}{', counted' * rule.counted}", rule.means, rule.next_step)
        for kind, rule in PROFILE.verdicts()
    ]


def test_the_figures_of_the_readme_are_those_that_were_measured_last() -> None:
    measured = table("Figures", (ROOT / "dev" / "benchmarks" / "results.md").read_text(encoding="utf-8"))
    assert [row[:2] for row in table("Figures")] == measured


@pytest.mark.parametrize(("profile", "section"), [("stuck-uploads", UPLOADS), ("temp-recordings", RECORDINGS)])
def test_the_sizes_of_a_profile_are_those_that_were_measured_last(profile: str, section: str) -> None:
    results = section_of((ROOT / "dev" / "benchmarks" / "results.md").read_text(encoding="utf-8"), section)
    assert results is not None
    peaks = table("", f"## \n{results.partition('Peak of memory')[2]}")
    quoted = table("Size", (ROOT / "docs" / f"{profile}.md").read_text(encoding="utf-8"))
    assert quoted == [[size, mode, f"{host} MB"] for size, mode, host, *_ in peaks]


def test_every_make_target_that_is_named_exists() -> None:
    targets = set(re.findall(r"^([a-z0-9-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    for document in DOCUMENTS:
        named = set(re.findall(r"(?:`|^)make ([a-z0-9-]+)", document.read_text(encoding="utf-8"), re.MULTILINE))
        assert named <= targets, document


@pytest.mark.parametrize("document", ["README.md", "docs/operations.md"])
def test_every_command_of_auditctl_that_is_shown_is_one(document: str) -> None:
    text = (ROOT / document).read_text(encoding="utf-8").replace("\\\n", " ")
    shown = "\n".join(re.findall(r"```sh\n(.*?)```", text, re.DOTALL)).splitlines()
    shown += re.findall(r"`(auditctl [^`]*)`", text)
    commands = [words for line in shown if (words := shlex.split(line, comments=True))]
    commands = [words for program, *words in commands if Path(program).name == "auditctl"]
    for words in [words for words in commands if "--print-completion" in words]:
        with pytest.raises(SystemExit, match="0"):  # it has printed all there is to it
            parse(words)
        commands.remove(words)
    ids = {"AUDIT_ID": "20260131-093000-1a2b3c4d", "REPAIR_ID": "20260131-100000-1a2b3c4d"}
    shown_as = [type(parse([ids.get(word, word) for word in words])) for words in commands]
    assert shown_as.count(Report) == 1


def test_what_readme_and_auditctl_write_into_the_folder_is_neither_committed_nor_published() -> None:
    written = {*re.findall(r"--output (\S+)", README), "audit-20260131-093000-1a2b3c4d.html", "findings.csv"}
    for name in (".gitignore", ".funcignore"):
        patterns = [line.lstrip("/") for line in (ROOT / name).read_text(encoding="utf-8").split()]
        assert [file for file in written if not any(fnmatch(file, pattern) for pattern in patterns)] == []


def test_the_pipeline_runs_what_anybody_can_run() -> None:
    workflow = (ROOT / ".github" / "workflows" / "ci.yml").read_text(encoding="utf-8")
    assert re.findall(r"^      - run: (.*)$", workflow, re.MULTILINE) == [".ci/run"]
    assert "permissions:\n  contents: read\n" in workflow
    assert os.access(ROOT / ".ci" / "run", os.X_OK)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_link_inside_the_repository_leads_somewhere(document: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)[^)]*\)", document.read_text(encoding="utf-8")):
        if "://" not in target:
            assert (document.parent / target).exists(), f"{document.name} links to {target}"


def test_one_version_everywhere() -> None:
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert f'version = "{VERSION}"' in project


def test_the_host_settings_are_explained() -> None:
    explained = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    host = json.loads((ROOT / "host.json").read_text(encoding="utf-8"))
    durable = host["extensions"]["durableTask"]
    names = {"functionTimeout", *durable, *durable["storageProvider"]} - {"storageProvider", "type"}
    assert not [name for name in names if f"`{name}`" not in explained]


# --- the guide for operators ------------------------------------------------------------------------------------------

GUIDE = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")


def test_every_event_is_in_the_guide_and_no_other() -> None:
    folders = ("activities", "runs", "adapters")
    code = "\n".join(path.read_text("utf-8") for folder in folders for path in (ROOT / folder).rglob("*.py"))
    told = set(re.findall(r"event\(\s*\"([a-z_.]+)\"", code)) | {f"audit.{state}" for state in ENDED}
    told |= {f"repair.{state}" for state in REPAIR_ENDED}
    told |= {name for pair in re.findall(r"\"(\S+)\" if resumed else \"(\S+)\"", code) for name in pair}
    documented = [name for row in table("Events", GUIDE) for name in re.findall(r"`([a-z_.]+)`", row[0])]
    assert sorted(documented) == sorted(told)
    asked_for = set(re.findall(r"\"((?:audit|policy|repair|schedule|retention)\.[a-z_]+)\"", GUIDE))
    assert asked_for <= told


def test_every_timer_can_be_paused_by_its_name_in_the_guide() -> None:
    code = (ROOT / "triggers" / "timers.py").read_text(encoding="utf-8")
    timers = re.findall(r"async def (\w+)\(timer: func\.TimerRequest, client: Any\) -> None", code)
    timers.remove("of_profile")  # by its setting
    assert set(re.findall(r"AzureWebJobs\.([a-z_]+)\.Disabled", GUIDE)) == set(timers)


def test_exactly_the_tables_that_are_read_are_granted_in_the_guide() -> None:
    [granted] = re.findall(r"grant select on (.*) to", GUIDE)
    texts = [
        (ROOT / "profiles" / "pre_capture_sessions" / name).read_text(encoding="utf-8")
        for name in ("queries.py", "repairs.py")
    ]
    asked = re.findall(r"(?:from|join)\s+([a-z_]+)", "\n".join(texts))
    tables = re.findall(r"create table (?:if not exists )?(?:public\.)?(\w+)", PRE_SCHEMA)
    assert set(granted.split(", ")) == set(asked) & set(tables)
