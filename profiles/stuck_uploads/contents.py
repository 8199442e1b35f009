"""What the databases say that a run leaves in the bucket: whether it went through all its steps."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from reconciliation.evidence import Unread
from reconciliation.lookups import SqliteRows

LAYOUT_STATEMENTS = (
    "select count(*) from boxes",
    "select crop_left, crop_top, crop_right, crop_bottom, anchor_type from layout_config where id = 1",
    "select max(layout_approved) from preferences",
)
OCR_STATEMENTS = ("select count(distinct frame_index) from full_frame_ocr",)
_WHOLE_PICTURE = [0, 0, 1, 1]


class Layout(NamedTuple):
    """The database of a video's layout: whether its boxes of text were analysed, which a picture that is cropped or
    anchored shows (without any box there is nothing to analyse); and whether people approved it.
    """

    is_analysed: bool
    is_approved: bool


class Contents(NamedTuple):
    """``layout`` is None if it is no layout that can be read, ``ocr_frames`` if it is no text recognition that can be
    read: missing, cut short, or without its tables.
    """

    layout: Layout | None
    ocr_frames: int | None


def lookups(setting: str, layout_key: str, ocr_key: str) -> tuple[SqliteRows, SqliteRows]:
    return SqliteRows(setting, layout_key, LAYOUT_STATEMENTS), SqliteRows(setting, ocr_key, OCR_STATEMENTS)


def read(layout: Any, ocr: Any) -> Contents | Unread:
    """From the answers to ``lookups``. An ``Unread`` if one could be opened and does not know a table or a column: it
    is of another version of the service, and not damaged.
    """
    for name, answer in (("layout", layout), ("texts", ocr)):
        if _is_of_another_version(answer):
            return Unread(name, f"the database of its {name} has not the tables that are known here", failed=True)
    return Contents(_layout(layout), _number(_rows(ocr, 0)))


def _is_of_another_version(answer: Any) -> bool:
    return isinstance(answer, dict) and answer.get("state") == "read" and None in (answer.get("rows") or [None])


def _layout(answer: Any) -> Layout | None:
    boxes, config, approved = _number(_rows(answer, 0)), _rows(answer, 1), _rows(answer, 2)
    if boxes is None or config is None:
        return None
    *crop, anchor = config[0] if config else [*_WHOLE_PICTURE, None]
    is_analysed = not boxes or (bool(config) and (crop != _WHOLE_PICTURE or anchor is not None))
    return Layout(is_analysed, bool(_number(approved)))


def _rows(answer: Any, number: int) -> list[Any] | None:
    """The rows of a statement; None if it has no answer."""
    rows = answer.get("rows") if isinstance(answer, dict) and answer.get("state") == "read" else None
    return rows[number] if isinstance(rows, list) and len(rows) > number else None


def _number(rows: Sequence[Any] | None) -> int | None:
    """The number that is the only value; None for anything else."""
    value = rows[0][0] if rows and rows[0] else None
    return value if isinstance(value, int) else None
