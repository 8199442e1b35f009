"""A server of S3: moto, in a virtual environment of its own, with one identity whose signatures it checks."""

import http.client
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlencode

from dev.devstack.supervise import DevStackError, Server, supervised, wait_for, workspace

HOST = "127.0.0.1"
REGION = "us-east-1"
START_SECONDS = 60
FOLDER = Path(__file__).resolve().parents[2] / ".venvs" / "moto"

_USER = "development"
_EVERYTHING = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"*"}]}'
# What makes the identity is taken without a signature; everything after it must be signed.
_CALLS = (
    {"Action": "CreateUser", "UserName": _USER},
    {"Action": "PutUserPolicy", "UserName": _USER, "PolicyName": "everything", "PolicyDocument": _EVERYTHING},
    {"Action": "CreateAccessKey", "UserName": _USER},
)
_TO_IAM = {
    "Authorization": f"AWS4-HMAC-SHA256 Credential=nobody/20200101/{REGION}/iam/aws4_request, SignedHeaders=host, "
    "Signature=none",
    "Content-Type": "application/x-www-form-urlencoded",
}


@dataclass(frozen=True)
class MotoServer:
    """A running server, and the key of the identity that may do everything in it."""

    port: int
    access_key_id: str
    secret_access_key: str = field(repr=False)

    @property
    def endpoint(self) -> str:
        """The address of the service; a bucket is the first part of a path there."""
        return f"http://{HOST}:{self.port}"

    def setting(self, bucket: str) -> str:
        """What the app is told of one of its buckets."""
        return f"s3://{bucket}?endpoint={self.endpoint}&region={REGION}"

    def settings(self, name: str, bucket: str) -> dict[str, str]:
        """The app settings ``name`` for one of its buckets, with the key."""
        return {
            name: self.setting(bucket),
            f"{name}__accessKeyId": self.access_key_id,
            f"{name}__secretAccessKey": self.secret_access_key,
        }


@contextmanager
def moto(port: int = 0) -> Iterator[MotoServer]:
    """Run a server of S3 until the block, or this process, ends; its buckets live in memory.

    Port 0 takes a free one. Raises DevStackError if moto is not installed or does not start.
    """
    if not (FOLDER / "bin" / "moto_server").exists():
        raise DevStackError(f"moto is not installed in {FOLDER}. Run 'make .venvs/moto/installed'.")
    # What the user has set for another server, or for AWS, must not reach this one.
    env = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "MOTO_"))}
    env["INITIAL_NO_AUTH_ACTION_COUNT"] = str(len(_CALLS))
    command = [str(FOLDER / "bin" / "python"), "-m", "moto.server", "-H", HOST, "-p", str(port)]
    with workspace(None, "moto") as place, supervised("moto", command, place, env=env) as server:
        yield _with_a_key(server, wait_for(server, lambda: _listening_port(server.log), START_SECONDS))


def _listening_port(log: Path) -> int | None:
    """The port, once it is listened on. moto chooses it itself, so no other process can take it first."""
    found = re.search(rf"Running on http://{re.escape(HOST)}:(\d+)", log.read_text(encoding="utf-8", errors="replace"))
    return int(found[1]) if found else None


def _with_a_key(server: Server, port: int) -> MotoServer:
    body = ""
    for call in _CALLS:
        connection = http.client.HTTPConnection(HOST, port, timeout=START_SECONDS)
        try:
            connection.request("POST", "/", urlencode({**call, "Version": "2010-05-08"}), _TO_IAM)
            body = connection.getresponse().read().decode()
        except OSError as error:
            raise server.failure("does not respond") from error
        finally:
            connection.close()
    key = re.search("<AccessKeyId>(.+?)</AccessKeyId>", body)
    secret = re.search("<SecretAccessKey>(.+?)</SecretAccessKey>", body)
    if key is None or secret is None:
        raise server.failure("gave no key")
    return MotoServer(port, key[1], secret[1])
