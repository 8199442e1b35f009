r"""Text from the service, made visible: what is on the screen is all that is there, in the order in which it is there.

Characters that command a terminal, turn the direction of writing, or cannot be seen are shown as JSON writes them:
``\u202e``. The same is done for the pages and tables of a report.
"""

import re

# Printable to Python, and blank or joined to the character before it all the same (Unicode: Default_Ignorable).
_UNSEEN = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]"
)


def visible(text: str) -> str:
    r"""The text with every character that cannot be seen, and every space but the usual one, written as ``\uXXXX``.

    One line stays one line, and what is visible stays as it is; doing it again changes nothing.
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(_written(one) if not one.isprintable() or _UNSEEN.match(one) else one for one in text)


def _written(character: str) -> str:
    units = character.encode("utf-16-be", "surrogatepass").hex()
    return "".join(f"\\u{units[at : at + 4]}" for at in range(0, len(units), 4))
