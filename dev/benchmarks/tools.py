"""The peers of the comparison, installed where they are missing: rclone from Debian, the Azure CLI from PyPI."""

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
    if found := shutil.which("rclone"):
        return found
    unpacked = CACHE / "rclone" / "usr" / "bin" / "rclone"
    if unpacked.exists():
        return str(unpacked)
    if shutil.which("apt-get") is None or shutil.which("dpkg-deb") is None:
        say("rclone is not installed and there is no apt-get to fetch it with; its figures are left out.")
        return None
    folder = CACHE / "rclone"
    folder.mkdir(parents=True, exist_ok=True)
    # Downloading and unpacking a package needs no root; installing it would.
    if os.geteuid() == 0:
        subprocess.run(["apt-get", "update", "-qq"], check=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    fetched = subprocess.run(["apt-get", "download", "rclone"], cwd=folder, check=False, capture_output=True)
    packages = sorted(folder.glob("rclone_*.deb"))
    if fetched.returncode or not packages:
        say("rclone could not be fetched; its figures are left out.")
        return None
    subprocess.run(["dpkg-deb", "-x", str(packages[-1]), str(folder)], check=True)
    return str(unpacked)


def azure_cli() -> str | None:
    """The az command in an environment of its own (a gigabyte), or None with a line that says why not."""
    folder = CACHE / "az"
    command = folder / "bin" / "az"
    if not (folder / "installed").exists():
        say("Installing the Azure CLI for its baseline, which takes some minutes the first time")
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(folder)], check=True)
        pip = [str(folder / "bin" / "pip"), "install", "--quiet", "--disable-pip-version-check", "azure-cli"]
        if subprocess.run(pip, check=False).returncode:
            say("The Azure CLI could not be installed; its figures are left out.")
            return None
        (folder / "installed").touch()
    return str(command)


def version_of(command: str, *arguments: str) -> str:
    """The first line that a tool says of its version."""
    output = subprocess.run([command, *arguments], check=False, capture_output=True, text=True).stdout
    return next((line.strip() for line in output.splitlines() if line.strip()), "unknown")


def path_of(name: str) -> Path:
    """A file in the benchmark's cache."""
    CACHE.mkdir(parents=True, exist_ok=True)
    return CACHE / name
