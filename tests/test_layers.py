"""What import-linter cannot say: which parts of a vendor's namespace a room may use."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ORCHESTRATORS_MAY_IMPORT = {"azure.durable_functions", "collections.abc", "contextlib", "datetime", "typing"}


def imported_names(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module)
    return names


@pytest.mark.parametrize("path", sorted((ROOT / "orchestrators").glob("*.py")), ids=lambda path: str(path.name))
def test_orchestrators_import_no_client_and_no_clock(path: Path) -> None:
    others = {name for name in imported_names(path) if not name.startswith("orchestrators")}
    assert others <= ORCHESTRATORS_MAY_IMPORT
    # A timedelta is a value; datetime.now() would be another moment on every replay.
    assert "datetime.now" not in path.read_text(encoding="utf-8")
    assert "utcnow" not in path.read_text(encoding="utf-8")
