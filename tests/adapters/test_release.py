from pathlib import Path

import pytest

from adapters.release import commit


@pytest.mark.parametrize(
    ("text", "told"),
    [("a1b2c3d\n", "a1b2c3d"), ("f" * 40, "f" * 40), ("", None), ("HEAD", None), ("a1b2c3d dirty", None), ("é", None)],
)
def test_the_commit_is_told_where_the_package_holds_one(tmp_path: Path, text: str, told: str | None) -> None:
    file = tmp_path / "commit.txt"
    assert commit(file.with_name("absent")) is None
    file.write_text(text, encoding="utf-8")
    assert commit(file) == told
