"""What is deployed is what was tested: every package of the app is named in requirements.txt, at one version."""

import ast
import sys
from collections.abc import Iterator
from functools import cache
from importlib.metadata import distribution, distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.requirements import ROOT, parts, requirements

APP = ("triggers", "orchestrators", "activities", "profiles", "reconciliation", "adapters")


def imports(path: Path) -> Iterator[str]:
    """The modules that a file imports, and whatever it takes out of them."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


@cache
def owners() -> dict[str, str]:
    """Which distribution has installed a file."""
    return {str(file): canonicalize_name(one.name) for one in distributions() for file in one.files or ()}


def provider(name: str) -> str:
    """The distribution that a module, or what is taken out of it, comes from; the whole path is tried first."""
    folders = name.split(".")
    places = ("/".join(folders[:end]) for end in range(len(folders), 0, -1))
    files = (file for place in places for file in (f"{place}.py", f"{place}/__init__.py"))
    return next(owners()[file] for file in files if file in owners())


def closure(wanted: list[Requirement]) -> set[str]:
    """The names of all that an installation of ``wanted`` brings with it, by what the installed packages ask for."""
    queue = [(requirement.name, extra) for requirement in wanted for extra in ("", *requirement.extras)]
    seen: set[tuple[str, str]] = set()
    while queue:
        name, extra = queue.pop()
        if (key := (canonicalize_name(name), extra)) not in seen:
            seen.add(key)
            for needed in map(Requirement, distribution(name).requires or ()):
                if needed.marker is None or needed.marker.evaluate({"extra": extra}):
                    queue += [(needed.name, inner) for inner in ("", *needed.extras)]
    return {name for name, _ in seen}


def test_what_the_app_imports_is_named_and_nothing_else() -> None:
    files = [ROOT / "function_app.py", *(path for folder in APP for path in (ROOT / folder).rglob("*.py"))]
    modules = {name for path in files for name in imports(path)}
    own = {*sys.stdlib_module_names, *APP}
    assert {provider(name) for name in modules if name.partition(".")[0] not in own} == {
        canonicalize_name(Requirement(line).name) for line in parts()[0]
    }


def test_what_that_brings_with_it_is_named_and_nothing_else() -> None:
    direct, brought = ([Requirement(line) for line in part] for part in parts())
    names = [canonicalize_name(requirement.name) for requirement in (*direct, *brought)]
    assert len(names) == len(set(names))
    assert set(names) == closure(direct)


@pytest.mark.parametrize("name", ["requirements.txt", "requirements-dev.txt", "constraints.txt"])
def test_every_package_is_pinned_to_one_version(name: str) -> None:
    assert [
        str(requirement)
        for requirement in requirements(name)
        if [specifier.operator for specifier in requirement.specifier] != ["=="] or requirement.marker
    ] == []


def test_all_files_say_the_same_version_and_it_is_the_one_that_is_tested() -> None:
    constrained = {canonicalize_name(one.name): str(one.specifier) for one in requirements("constraints.txt")}
    for requirement in (*requirements(), *requirements("requirements-dev.txt")):
        name = canonicalize_name(requirement.name)
        assert constrained[name] == str(requirement.specifier), name
        assert distribution(name).version in requirement.specifier, name
