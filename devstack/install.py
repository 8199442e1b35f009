"""Installs Azurite from the lock file: ``python -m devstack.install``; ``--lock`` renews the lock file instead."""

import os
import subprocess
import sys
from pathlib import Path

from devstack.node import node, npm

FOLDER = Path(__file__).resolve().parent
CACHE = FOLDER.parent / ".cache" / "npm"


def main(arguments: list[str]) -> int:
    """Run npm in this folder and return its exit code; packages' own install scripts are never run."""
    action = ["install", "--package-lock-only"] if arguments == ["--lock"] else ["ci", "--loglevel=error"]
    # Proxies, certificates and the registry stay as the machine has them; only the cache is ours.
    env = os.environ | {"npm_config_cache": str(CACHE)}
    return subprocess.run([node(), npm(), *action, "--ignore-scripts"], cwd=FOLDER, env=env, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
