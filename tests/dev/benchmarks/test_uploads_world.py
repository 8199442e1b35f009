"""The world of the benchmark: rows, runs and objects are of the same videos, and as many as it says."""

from collections import Counter
from pathlib import Path

import psycopg

from dev.benchmarks.uploads_world import world
from dev.devstack.postgres import PostgresServer
from dev.devstack.prefect import prefect
from dev.devstack.prefect_planting import Planting
from profiles.stuck_uploads.keys import folder_in

VIDEOS = 200


def test_rows_runs_and_objects_are_of_the_same_videos(postgres_server: PostgresServer, tmp_path: Path) -> None:
    planted = world(VIDEOS)
    with psycopg.connect(planted.plant_rows(postgres_server)) as connection:
        rows: dict[str, str] = dict(connection.execute("select id::text, layout_status from videos").fetchall())
        keys = {key for (key,) in connection.execute("select storage_key from videos")}
    assert len(rows) == VIDEOS
    assert Counter(rows.values())["wait"] == planted.stuck == sum(planted.expected.values())

    lines = planted.write_objects(tmp_path)[0].read_text(encoding="ascii").splitlines()
    objects = [line.partition("\t")[0] for line in lines]
    assert keys <= set(objects)
    folders = [folder_in("/".join(key.split("/")[:4]) + "/") for key in objects]
    assert {folder.video for folder in folders if folder} == rows.keys()
    processed = {key.split("/")[3] for key in objects if key.endswith("/layout.db.gz")}
    stuck_though_whole = [video for video in processed if rows[video] == "wait"]
    assert len(stuck_though_whole) == planted.expected["finished_not_marked"]

    with prefect() as engine, Planting(engine) as plant:
        planted.plant_runs(engine)
        assert plant.made("flow_runs/count", {}) == planted.runs
        seen = [
            run
            for offset in range(0, planted.runs, 200)
            for run in plant.made("flow_runs/filter", {"sort": "EXPECTED_START_TIME_ASC", "offset": offset})
        ]
    crashed = {run["parameters"]["video_id"] for run in seen if run["state_type"] == "CRASHED"}
    assert {run["parameters"]["video_id"] for run in seen} <= rows.keys()
    assert all(rows[video] == "wait" for video in crashed)
    assert len(crashed) == planted.expected["run_lost"] + planted.expected["finished_not_marked"]
