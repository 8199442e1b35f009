import json
from pathlib import Path

import pytest
from azure.storage.blob import BlobServiceClient

from dev.devstack import install
from dev.devstack.azurite import AzuriteServer, azurite
from dev.devstack.supervise import DevStackError


def put_hello(server: AzuriteServer, container: str) -> None:
    with BlobServiceClient.from_connection_string(server.connection_string) as service:
        service.create_container(container).upload_blob("hello.txt", b"hello")


def containers(server: AzuriteServer) -> list[str]:
    with BlobServiceClient.from_connection_string(server.connection_string) as service:
        return [container.name for container in service.list_containers()]


def test_two_servers_at_once_do_not_meet(azurite_server: AzuriteServer) -> None:
    put_hello(azurite_server, "mine-alone")
    with azurite() as other:
        assert other.port != azurite_server.port
        assert containers(other) == []
    assert "mine-alone" in containers(azurite_server)


def test_a_given_directory_keeps_the_blobs(tmp_path: Path) -> None:
    with azurite(tmp_path / "kept") as first:
        put_hello(first, "kept")
    with (
        azurite(tmp_path / "kept") as second,
        BlobServiceClient.from_connection_string(second.connection_string) as service,
    ):
        assert service.get_blob_client("kept", "hello.txt").download_blob().readall() == b"hello"


def test_a_taken_port_is_told_when_it_was_asked_for(azurite_server: AzuriteServer) -> None:
    with pytest.raises(DevStackError, match="EADDRINUSE"), azurite(port=azurite_server.port):
        pass


@pytest.mark.parametrize("folder", install.FOLDERS.values(), ids=install.FOLDERS)
def test_the_lock_file_installs_from_any_registry(folder: Path) -> None:
    lock = (folder / "package-lock.json").read_text(encoding="utf-8")
    packages = [package for name, package in json.loads(lock)["packages"].items() if name]
    assert packages
    assert all("resolved" not in package and package["integrity"] for package in packages)
