from pathlib import Path

import pytest

from dev.devstack import moto as module
from dev.devstack.moto import MotoServer, moto
from dev.devstack.supervise import DevStackError


def test_two_servers_at_once_do_not_meet_and_keep_their_secrets(s3_server: MotoServer) -> None:
    with moto() as other:
        assert other.port != s3_server.port
        assert other.secret_access_key != s3_server.secret_access_key
        assert other.secret_access_key not in repr(other)


def test_a_port_that_is_taken_is_told(s3_server: MotoServer) -> None:
    with pytest.raises(DevStackError, match="in use"), moto(port=s3_server.port):
        pass


def test_what_is_not_installed_says_how_to_install_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FOLDER", tmp_path)
    with pytest.raises(DevStackError, match=r"'make \.venvs/moto/installed'"), moto():
        pass
