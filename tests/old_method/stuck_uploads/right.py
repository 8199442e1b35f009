"""What is right for each planted case, decided by people and not by any code."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Do(StrEnum):
    """What a program should do about a video."""

    RUN = "offer to start one run"
    MARK = "offer to set its status"
    TELL = "tell somebody, and start nothing"
    NOTHING = "nothing"


@dataclass(frozen=True)
class Right:
    """``what`` is to be done about a case; ``else_`` is what becomes of a run that is started all the same."""

    do: Do
    what: str
    else_: str = ""


_RUN, _MARK = Right(Do.RUN, "start one run"), Right(Do.MARK, "set its status", "it does all of it again")


def _tell(what: str, else_: str = "") -> Right:
    return Right(Do.TELL, what, else_)


def _nothing(what: str, else_: str = "") -> Right:
    return Right(Do.NOTHING, what, else_)


RIGHT: Mapping[int, Right] = {
    1: _RUN,
    2: _nothing("let its run work", "a second one"),
    3: _tell("start the workers: its run is there", "a second one, which waits as well"),
    4: _MARK,
    5: _RUN,
    6: _tell("ask for its file", "it finds no file"),
    7: _tell("ask which file is right", "it takes what may be another file"),
    8: _tell("cancel its run", "a second one, and the video is deleted"),
    9: _tell("resume its run, or cancel it", "a second one"),
    10: _RUN,
    11: _tell("set its status to done again"),
    12: _MARK,
    13: _tell("read the logs of its runs", "a fourth one, which fails as well"),
    14: _tell("start what follows"),
    15: _RUN,
    16: _tell("confirm it, or remove it"),
    17: _RUN,
    18: _tell("cancel the newer one", "a third one"),
    19: _tell("see that nothing works on it, and end its run", "a second one, before the first is ended"),
    20: _nothing("wait for its event", "a second one, if its event comes"),
    21: _nothing("wait for its row", "a second one, before its row can be written"),
    22: _nothing("wait for its file", "it finds no file"),
    23: _RUN,
    24: _tell("find out where its run wrote", "it writes there as well"),
    25: _tell("read its error"),
    26: Right(Do.RUN, "start one run, if somebody still wants it"),
    27: _nothing("leave it deleted", "the video is deleted"),
    28: _nothing("leave it as it is"),
    29: _tell("look for a copy of its layout"),
    30: _tell("have its frames made again"),
    31: _tell("mend its row"),
    32: _tell("mend its row", "it takes another file than its row names"),
    33: _nothing("let its run work", "a second one"),
}
"""By the numbers of the cases."""
