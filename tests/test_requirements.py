"""What is deployed is what was tested: every package of the app is named in requirements.txt, at one version.

One for each version of Python: a package that needs another one there says so by a marker.
"""

import ast
import re
import sys
import tomllib
from collections import Counter
from collections.abc import Iterator
from functools import cache
from importlib.metadata import distribution, distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from tests.requirements import PYTHONS, ROOT, RUNNING, environment, parts, requirements, written

APP = ("triggers", "runs", "orchestrators", "activities", "profiles", "reconciliation", "reporting", "adapters")
AWS = "requirements-aws.txt"
"""What is only needed, and only imported, where a bucket of S3 is audited."""
FOR_AWS_ALONE = ROOT / "adapters" / "buckets" / "s3.py"
FILES = ("requirements.txt", AWS, "requirements-dev.txt", "constraints.txt")
READ_AND_NOT_IMPORTED = {"zoneinfo.ZoneInfo": "tzdata"}
"""Packages that a module of the standard library reads where the machine has not what is in them."""

on_each_python = pytest.mark.parametrize("python", PYTHONS)
in_each_file = pytest.mark.parametrize("name", FILES)


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


def names(of: list[Requirement]) -> list[str]:
    return [canonicalize_name(requirement.name) for requirement in of]


def closure(wanted: list[Requirement], python: str) -> set[str]:
    """The names of all that an installation of ``wanted`` brings with it, by what the installed packages ask for.

    A package that has another version on that Python is taken to ask for the same there as the installed one.
    """
    queue = [(requirement.name, extra) for requirement in wanted for extra in ("", *requirement.extras)]
    seen: set[tuple[str, str]] = set()
    while queue:
        name, extra = queue.pop()
        if (key := (canonicalize_name(name), extra)) not in seen:
            seen.add(key)
            for needed in map(Requirement, distribution(name).requires or ()):
                if needed.marker is None or needed.marker.evaluate({**environment(python), "extra": extra}):
                    queue += [(needed.name, inner) for inner in ("", *needed.extras)]
    return {name for name, _ in seen}


def providers(files: list[Path]) -> set[str]:
    """The distributions that files import from."""
    modules = {name for path in files for name in imports(path)}
    own = {*sys.stdlib_module_names, *APP}
    read = {package for name, package in READ_AND_NOT_IMPORTED.items() if name in modules}
    return read | {provider(name) for name in modules if name.partition(".")[0] not in own}


def test_what_the_app_imports_is_named_and_nothing_else() -> None:
    files = [ROOT / "function_app.py", *(path for folder in APP for path in (ROOT / folder).rglob("*.py"))]
    files.remove(FOR_AWS_ALONE)
    assert providers(files) == set(names(parts()[0]))


def test_what_is_imported_for_s3_alone_is_named_apart() -> None:
    assert providers([FOR_AWS_ALONE]) - set(names(requirements())) == set(names(parts(AWS)[0]))


@on_each_python
def test_what_that_brings_with_it_is_named_and_nothing_else(python: str) -> None:
    direct, brought = parts(python=python)
    named = {*names(direct), *names(brought)}
    assert named == closure(direct, python)
    of_aws = {name for part in parts(AWS, python) for name in names(part)}
    assert of_aws == closure(parts(AWS, python)[0], python) - named


@on_each_python
@in_each_file
def test_every_package_is_pinned_to_one_version_on_each_python(name: str, python: str) -> None:
    held = requirements(name, python)
    every = {package for part in written(name) for package in names(part)}
    assert Counter(names(held)) == dict.fromkeys(every, 1)
    assert [str(one) for one in held if [specifier.operator for specifier in one.specifier] != ["=="]] == []


@in_each_file
def test_only_the_version_of_python_makes_a_difference(name: str) -> None:
    markers = [str(one.marker) for part in written(name) for one in part if one.marker]
    assert [marker for marker in markers if not re.fullmatch(r'python_version (<|>=) "3\.\d+"', marker)] == []


@on_each_python
def test_all_files_say_the_same_version_and_it_is_the_one_that_is_tested(python: str) -> None:
    constrained = {canonicalize_name(one.name): one.specifier for one in requirements("constraints.txt", python)}
    for requirement in (one for name in FILES[:-1] for one in requirements(name, python)):
        name = canonicalize_name(requirement.name)
        assert constrained[name] == requirement.specifier, name
        assert python != RUNNING or distribution(name).version in requirement.specifier, name


def test_the_versions_of_python_are_the_same_everywhere() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    minors = [f"3.{minor}" for minor in range(30)]
    assert tuple(SpecifierSet(project["project"]["requires-python"]).filter(minors)) == PYTHONS
    assert project["tool"]["mypy"]["python_version"] == PYTHONS[0]
    assert f"find_python.sh {' '.join(PYTHONS)})" in (ROOT / "Makefile").read_text(encoding="utf-8")
    assert f"Python {', '.join(PYTHONS[:-1])} or {PYTHONS[-1]}" in (ROOT / "README.md").read_text(encoding="utf-8")
