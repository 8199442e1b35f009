"""Installs what npm has: ``python -m dev.devstack.install azurite|chromium``; ``--lock`` renews both lock files."""

import os
import subprocess
import sys
from pathlib import Path

from dev.devstack import chromium
from dev.devstack.node import node, npm

AZURITE = Path(__file__).resolve().parent
FOLDERS = {"azurite": AZURITE, "chromium": chromium.FOLDER}
CACHE = AZURITE.parents[1] / ".cache" / "npm"


def main(arguments: list[str]) -> int:
    """Do what the arguments ask for and return the first exit code that is not 0."""
    match arguments:
        case ["--lock"]:
            return max(run_npm(folder, "install", "--package-lock-only") for folder in FOLDERS.values())
        case ["azurite"]:
            return run_npm(AZURITE, "ci", "--loglevel=error")
        case ["chromium"]:
            return run_npm(chromium.FOLDER, "ci", "--loglevel=error") or chromium.unpack()
        case _:
            print(__doc__, file=sys.stderr)
            return 2


def run_npm(folder: Path, *action: str) -> int:
    """Run npm in a folder and return its exit code; packages' own install scripts are never run."""
    # Proxies, certificates and the registry stay as the machine has them; only the cache is ours.
    env = os.environ | {"npm_config_cache": str(CACHE)}
    return subprocess.run([node(), npm(), *action, "--ignore-scripts"], cwd=folder, env=env, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
