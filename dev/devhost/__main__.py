"""``python -m dev.devhost``: serve a Functions app on this machine."""

import argparse
import os
import sys
from pathlib import Path
from typing import NoReturn

from dev.devhost.host import Options, serve
from dev.devhost.logs import log_to_stdout


def parse_options(arguments: list[str]) -> Options:
    """Parse the command line; paths become absolute, since the host changes into the app's folder."""
    parser = argparse.ArgumentParser(prog="devhost", description="A local Azure Functions host for development.")
    parser.add_argument("--port", type=int, default=7071, help="0 picks a free port (default: 7071)")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: 127.0.0.1)")
    parser.add_argument("--root", type=Path, default=Path(), help="the app's folder (default: this one)")
    parser.add_argument(
        "--state", type=Path, help="where history is kept (default: .state/devhost in the app's folder)"
    )
    parser.add_argument(
        "--settings", type=Path, help="local.settings.json to use instead of the one in the app's folder"
    )
    parser.add_argument("--ready-file", type=Path, help="written when the host serves: its url and pid as JSON")
    parser.add_argument("--die-with-stdin", action="store_true", help="stop when stdin ends")
    given = parser.parse_args(arguments)
    root = given.root.resolve()
    return Options(
        root=root,
        state=(given.state or root / ".state" / "devhost").resolve(),
        host=given.host,
        port=given.port,
        settings=None if given.settings is None else given.settings.resolve(),
        ready_file=None if given.ready_file is None else given.ready_file.resolve(),
        die_with_stdin=given.die_with_stdin,
    )


def main() -> NoReturn:
    """Run, then end the process; the exit code is 1 if the host could not start."""
    options = parse_options(sys.argv[1:])
    log_to_stdout()
    code = serve(options, lambda text: print(f"devhost cannot start: {text}", file=sys.stderr, flush=True))
    sys.stdout.flush()
    os._exit(code)  # leaving normally would wait for sync functions that still run in their threads


if __name__ == "__main__":
    main()
