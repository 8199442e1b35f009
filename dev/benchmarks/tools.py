"""The peers of the comparison, installed where they are missing: rclone and wrk from Debian, the Azure CLI and obstore
from PyPI.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from dev.benchmarks.measure import say
from dev.devstack.app import ROOT

CACHE = ROOT / ".cache" / "bench"


def rclone() -> str | None:
    """The rclone command, or None with a line that says why not."""
    return shutil.which("rclone") or _unpacked("rclone", "rclone")


def wrk() -> list[str] | None:
    """The wrk command, which knows how fast a server is, or None with a line that says why not."""
    if found := shutil.which("wrk"):
        return [found]
    command = _unpacked("wrk", "wrk", "libluajit-5.1-2")
    if command is None:
        return None
    libraries = ":".join(str(folder) for folder in (CACHE / "wrk" / "usr" / "lib").glob("*"))
    return ["env", f"LD_LIBRARY_PATH={libraries}", command]


def _unpacked(name: str, *packages: str) -> str | None:
    """A command from packages of Debian: downloading and unpacking them needs no root, installing them would."""
    folder = CACHE / name
    command = folder / "usr" / "bin" / name
    if command.exists():
        return str(command)
    if shutil.which("apt-get") is None or shutil.which("dpkg-deb") is None:
        say(f"{name} is not installed and there is no apt-get to fetch it with; its figures are left out.")
        return None
    folder.mkdir(parents=True, exist_ok=True)
    if os.geteuid() == 0:
        subprocess.run(["apt-get", "update", "-qq"], check=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    fetched = subprocess.run(["apt-get", "download", *packages], cwd=folder, check=False, capture_output=True)
    files = sorted(folder.glob("*.deb"))
    if fetched.returncode or not files:
        say(f"{name} could not be fetched; its figures are left out.")
        return None
    for file in files:
        subprocess.run(["dpkg-deb", "-x", str(file), str(folder)], check=True)
    return str(command)


def azure_cli() -> str | None:
    """The az command in an environment of its own (a gigabyte), or None with a line that says why not."""
    folder = _environment("az", "azure-cli")
    return str(folder / "bin" / "az") if folder else None


def obstore() -> str | None:
    """A Python that has obstore, in an environment of its own, or None with a line that says why not."""
    folder = _environment("obstore", "obstore")
    return str(folder / "bin" / "python") if folder else None


def _environment(name: str, package: str) -> Path | None:
    folder = CACHE / name
    if not (folder / "installed").exists():
        say(f"Installing {package} in an environment of its own, which may take some minutes the first time")
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(folder)], check=True)
        pip = [str(folder / "bin" / "pip"), "install", "--quiet", "--disable-pip-version-check", package]
        if subprocess.run(pip, check=False).returncode:
            say(f"{package} could not be installed; its figures are left out.")
            return None
        (folder / "installed").touch()
    return folder


def version_of(command: str, *arguments: str) -> str:
    """The first line that a tool says of its version."""
    output = subprocess.run([command, *arguments], check=False, capture_output=True, text=True).stdout
    return next((line.strip() for line in output.splitlines() if line.strip()), "unknown")


def path_of(name: str) -> Path:
    """A file in the benchmark's cache."""
    CACHE.mkdir(parents=True, exist_ok=True)
    return CACHE / name
