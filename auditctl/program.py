"""How this program was called, so that the commands that it suggests work in the same shell."""

import os
import shlex
import shutil
import sys
from pathlib import Path
from typing import Final

NAME: Final = "auditctl"


def called_as(typed: str) -> tuple[str, ...]:
    """The words that call this program again: its name if the shell finds it, otherwise what was typed."""
    program = Path(typed)
    if program.name == "__main__.py":
        return (sys.executable, "-m", NAME)
    found = shutil.which(NAME)
    if program.name != NAME or (found is not None and os.path.realpath(found) == os.path.realpath(typed)):
        return (NAME,)
    return (typed,)


PROGRAM: Final = called_as(sys.argv[0])


def command_line(*words: str) -> str:
    """A command of this program, quoted for a shell."""
    return shlex.join((*PROGRAM, *words))
