r"""Text from the service, made visible: a reader sees every character of it, in the order of the text.

Characters that control a terminal, turn the direction of writing, or are invisible are shown as JSON escapes:
``\u202e``. The same is done for the pages and tables of a report.
"""

import re

# Printable to Python, and blank or joined to the character before it all the same (Unicode: Default_Ignorable).
_UNSEEN = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]"
)


def visible(text: str) -> str:
    r"""The text with every invisible character, and every space other than U+0020, written as ``\uXXXX``.

    One line stays one line, and visible characters are unchanged; idempotent.
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(_written(one) if not one.isprintable() or _UNSEEN.match(one) else one for one in text)


def _written(character: str) -> str:
    units = character.encode("utf-16-be", "surrogatepass").hex()
    return "".join(f"\\u{units[at : at + 4]}" for at in range(0, len(units), 4))
