"""What every source keeps to: functions that fit on a page, and an engine that knows no system's words."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ENGINE = ("reconciliation", "reporting", "activities", "orchestrators", "adapters")
PRODUCT = (*ENGINE, "profiles", "runs", "triggers", "auditctl")
MOST_LINES = 60

# Only what is said of recorded hearings and of nothing else: storage, databases and HTTP have sessions and cases,
# too.
PRES_WORDS = re.compile(
    r"(?i:pre.capture|capture.?session|hearing|recording|court|booking|candidate|ingest|final.?account|finalsa|vodafone"
    r"|witness|defendant|manifest|unregistered|\.mp4|\.ism\b)|\bPRE(_|\b)"
)
UNAVOIDABLE = {("adapters/enabled.py", 'DEFAULT = "pre-capture-sessions"')}
"""What is audited where the setting AUDIT_PROFILES is not given."""


def sources(*rooms: str, kinds: tuple[str, ...] = ("py",)) -> list[Path]:
    return [path for room in rooms for kind in kinds for path in sorted((ROOT / room).rglob(f"*.{kind}"))]


def functions(tree: ast.AST) -> Iterator[tuple[str, int]]:
    """The name and the lines of each, decorators left out."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert node.end_lineno is not None
            yield node.name, node.end_lineno - node.lineno + 1


@pytest.mark.parametrize("room", PRODUCT)
def test_no_function_is_longer_than_a_page(room: str) -> None:
    long = [
        f"{path.relative_to(ROOT)}: {name} has {lines} lines"
        for path in sources(room)
        for name, lines in functions(ast.parse(path.read_text(encoding="utf-8")))
        if lines > MOST_LINES
    ]
    assert long == []


@pytest.mark.parametrize("room", ENGINE)
def test_the_engine_has_none_of_pres_words_not_even_in_its_docstrings(room: str) -> None:
    said = [
        (str(path.relative_to(ROOT)), line.strip())
        for path in sources(room, kinds=("py", "html", "css", "js"))
        for line in path.read_text(encoding="utf-8").splitlines()
        if PRES_WORDS.search(line)
    ]
    assert [one for one in said if one not in UNAVOIDABLE] == []


@pytest.mark.parametrize("room", PRODUCT)
def test_every_room_has_sources(room: str) -> None:
    assert len(sources(room)) > 2


@pytest.mark.parametrize(
    ("text", "is_one"),
    [
        ("a Capture session", True),
        ("INGEST_STORAGE", True),
        ('"a.mp4"', True),
        ("PRE's database", True),
        ("PRE_DATABASE", True),
        ("the session of an HTTP client, in any case", False),
        ("at present, and as before", False),
    ],
)
def test_a_word_of_pre_is_known_in_any_writing(text: str, *, is_one: bool) -> None:
    assert bool(PRES_WORDS.search(text)) is is_one
