"""The database beside a uniform stubbed account: PRE's proportions, made by Postgres itself."""

import psycopg

from dev.demo.planting import create_schema
from dev.devstack.postgres import PostgresServer

HIDDEN_ONE_IN = 50  # 2 % of the containers are recordings without a row
UNUSED_SHARE = 0.28  # sessions that were never used, for each container (25,000 sessions, 20,000 containers)

_ROWS = """
insert into courts (id, court_type, name) values (md5('court')::uuid, 'CROWN', 'Bench Crown Court');
insert into cases (id, court_id, reference) values (md5('case')::uuid, md5('court')::uuid, 'BENCH');
insert into bookings (id, case_id, scheduled_for)
  select md5('booking ' || n)::uuid, md5('case')::uuid, timestamptz '2025-01-01' + n * interval '1 minute'
    from generate_series(0, {containers} + {unused} - 1) n;
insert into capture_sessions (id, booking_id, origin, ingest_address, started_at, finished_at, status)
  select reverse(md5(n::text))::uuid, md5('booking ' || n)::uuid, 'PRE', 'rtmps://in.mediakind.com/x',
         timestamptz '2025-01-01' + n * interval '1 second', timestamptz '2025-01-01' + n * interval '1 second',
         (case when n % {one_in} = 0 then 'NO_RECORDING' else 'RECORDING_AVAILABLE' end)::recording_status
    from generate_series(0, {containers} - 1) n;
insert into recordings (id, capture_session_id, version, filename, created_at, duration)
  select md5(n::text)::uuid, reverse(md5(n::text))::uuid, 1, reverse(md5(n::text)) || '_1280x720_4500k.mp4',
         timestamptz '2025-01-01', interval '40 minutes'
    from generate_series(0, {containers} - 1) n where n % {one_in} <> 0;
insert into capture_sessions (id, booking_id, origin, ingest_address, started_at, finished_at, status)
  select md5('unused ' || n)::uuid, md5('booking ' || {containers} + n)::uuid, 'PRE', 'rtmps://in.mediakind.com/x',
         timestamptz '2025-06-01' + n * interval '1 second', timestamptz '2025-06-01' + n * interval '1 second',
         'NO_RECORDING'
    from generate_series(0, {unused} - 1) n;
analyze;
"""


def plant(server: PostgresServer, containers: int) -> str:
    """A database for an account of that many containers; returns its URL."""
    url = server.create_database(f"bench_{containers}")
    create_schema(url)
    numbers = {
        "containers": containers,
        "unused": int(containers * UNUSED_SHARE),
        "one_in": HIDDEN_ONE_IN,
    }
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(_ROWS.format(**numbers).encode())
    return url


def expected_hidden(containers: int) -> int:
    """How many recordings an audit must find."""
    return -(-containers // HIDDEN_ONE_IN)
