"""Compiling the stub, once for each version of its source."""

import hashlib
import os
import shutil
import subprocess
from pathlib import Path

from dev.devstack.app import ROOT
from dev.devstack.supervise import DevStackError

SOURCE = Path(__file__).with_name("stub.c")
CACHE = ROOT / ".cache" / "fast_stub"


def binary() -> Path:
    """The compiled stub. Raises ``DevStackError`` that names what is missing if it cannot be compiled."""
    made = CACHE / hashlib.sha256(SOURCE.read_bytes()).hexdigest()[:16]
    if made.exists():
        return made
    compiler = shutil.which("cc")
    if compiler is None:
        raise DevStackError(f"The fast stub needs a C compiler (cc) and OpenSSL's headers. {_ADVICE}")
    CACHE.mkdir(parents=True, exist_ok=True)
    fresh = CACHE / f"{made.name}.{os.getpid()}"
    command = [compiler, "-O2", "-o", str(fresh), str(SOURCE), "-lssl", "-lcrypto"]
    compiled = subprocess.run(command, check=False, capture_output=True, text=True)
    if compiled.returncode:
        missing = "OpenSSL's headers or library" if "ssl" in compiled.stderr else "something"
        raise DevStackError(f"The fast stub lacks {missing}. {_ADVICE}\n{compiled.stderr}")
    fresh.replace(made)
    return made


_ADVICE = "On Debian and Ubuntu: apt install gcc libc6-dev libssl-dev"
