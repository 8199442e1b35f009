r"""Text from outside, made visible: what a reader sees is then all that is there, in the order in which it is there.

A name may hold characters that turn the direction of writing, break the line, or cannot be seen at all, and so look
like another name. They are shown as JSON writes them: ``\u202e``. JSON documents hold the text itself and need none of
this.
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
