"""The files that the service leaves in its bucket."""

import gzip
import sqlite3
from contextlib import closing

SOURCE, LAYOUT, OCR = "client/video.mp4", "client/layout.db.gz", "server/raw-ocr.db.gz"
"""The names of a video's objects, by the side on which they lie."""
FRAME_STEP = 100


def layout(*, boxes: int = 3, analysed: bool = True, approved: bool = False) -> bytes:
    """A layout as its run leaves it, gzipped."""
    with closing(sqlite3.connect(":memory:")) as database:
        database.execute("create table boxes (id integer primary key, bbox_left real, bbox_top real)")
        database.executemany("insert into boxes (bbox_left, bbox_top) values (?, ?)", [(0.1, 0.2)] * boxes)
        database.execute(
            "create table layout_config (id integer primary key, crop_left real default 0, crop_top real default 0,"
            " crop_right real default 1, crop_bottom real default 1, anchor_type text)"
        )
        database.execute("insert into layout_config (id) values (1)")
        if analysed:
            database.execute("update layout_config set crop_top = 0.7, anchor_type = 'center'")
        database.execute("create table preferences (id integer primary key, layout_approved integer default 0)")
        database.execute("insert into preferences values (1, ?)", [int(approved)])
        database.commit()
        return gzip.compress(database.serialize())


def recognised(frames: int) -> bytes:
    """The texts that were recognised in some frames, gzipped."""
    with closing(sqlite3.connect(":memory:")) as database:
        database.execute("create table full_frame_ocr (frame_index integer, ocr_text text)")
        rows = [(number * FRAME_STEP, "text") for number in range(frames) for _ in range(2)]
        database.executemany("insert into full_frame_ocr values (?, ?)", rows)
        database.commit()
        return gzip.compress(database.serialize())


def frames(number: int, *, without: int | None = None) -> dict[str, bytes]:
    """The frames of a video, and their thumbnails; but for the one with the index ``without``."""
    indexes = [index for index in range(0, number * FRAME_STEP, FRAME_STEP) if index != without]
    folders = ("full_frames", "full_frames_thumbnails")
    return {f"client/{folder}/frame_{index:06d}.jpg": b"jpg" for folder in folders for index in indexes}
