"""The world of the benchmark: rows and files are of the same chunks, and every verdict is planted as often as told."""

import json
from collections import Counter, defaultdict
from pathlib import Path

import psycopg

from dev.benchmarks.recordings_world import world
from dev.demo.temp_recordings.cases import DOCUMENTED
from dev.devstack.postgres import PostgresServer
from profiles.temp_recordings.names import meeting_in
from profiles.temp_recordings.queries import CHUNKS, FILES, MEETINGS, RECORDINGS, rows
from reconciliation.looks import Group
from reconciliation.lookups import StoredObject
from tests.profiles.temp_recordings.world import OLD, audit_of, both_looks, opened, profile_for

NUMBER = 4_010
"""Twenty meetings or so: one of each sort, and one that is cut short."""


def test_every_verdict_is_planted_as_often_as_told(postgres_server: PostgresServer, tmp_path: Path) -> None:
    planted = world(NUMBER)
    profile = profile_for(DOCUMENTED)
    audit = audit_of(profile, now=planted.now)

    lines = planted.write_objects(tmp_path / "keys").read_text(encoding="ascii").splitlines()
    assert lines == sorted(lines)
    files: defaultdict[str, list[StoredObject]] = defaultdict(list)
    for line in lines:
        key, _, size = line.partition("\t")
        files[meeting_in(key)].append(StoredObject(key, int(size), OLD, "1"))
    assert sum(map(len, files.values())) == planted.files

    by_table: dict[str, defaultdict[str, list[object]]] = {}
    with psycopg.connect(planted.plant_rows(postgres_server)) as connection:
        for table in (MEETINGS, CHUNKS, RECORDINGS):
            key_of = dict(profile.joins[0].of)[table]
            by_table[table] = defaultdict(list)
            for (value,) in connection.execute(rows(table, audit.asked).sql.encode(), {"only": None}):
                row = profile.source(table).row(json.loads(value) if isinstance(value, str) else value)
                by_table[table][key_of(row)].append(row)
    assert sum(map(len, by_table[CHUNKS].values())) == NUMBER

    found = Counter[str]()
    for meeting, objects in files.items():
        of_tables = [by_table[table][meeting] for table, _ in profile.joins[0].of if table != FILES]
        group = Group(meeting, (*of_tables, [one.key for one in objects]))
        found.update(both_looks(profile, audit, opened(group, audit, objects)).values())
    assert dict(found) == planted.expected
