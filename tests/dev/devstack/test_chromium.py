"""The browser of the tests: the package's own before the machine's, and an error that says what to do."""

from pathlib import Path

import pytest

from dev.devstack import chromium as module
from dev.devstack.chromium import Chromium, chromium
from dev.devstack.supervise import DevStackError


def test_what_does_not_start_is_passed_over(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    broken = tmp_path / "chromium"
    broken.write_text("for another processor")
    broken.chmod(0o700)
    starts = Chromium(Path("/bin/true"))
    monkeypatch.setattr(module, "_candidates", lambda: iter([Chromium(tmp_path / "none"), Chromium(broken), starts]))
    assert chromium() is starts


def test_without_any_the_error_says_how_to_get_one(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(module, "UNPACKED", tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(DevStackError, match="make test"):
        chromium()
