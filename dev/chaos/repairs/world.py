"""A hundred sessions that lost their recordings, each with a booking and a case of its own, made anew for each race."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import psycopg
from psycopg.rows import dict_row

from dev.chaos.database import create_reader
from dev.chaos.proxy import HOST
from dev.chaos.repairs.judging import Held
from dev.demo.cases import Case, PlantedContainer, demo_id
from dev.demo.planting import create_schema, plant_rows
from dev.devstack.postgres import PostgresServer
from profiles.pre_capture_sessions.statements import GRANTS

SESSIONS = 100
_PASSWORD = "chaos-repairer"  # noqa: S105 - of a database that lives as long as the campaign
_STATUSES = ("PROCESSING", "NO_RECORDING", "FAILURE")
_RESET = (
    "delete from audits where audit_details ->> 'captureSessionId' = %(session)s::text",
    "delete from encode_jobs where capture_session_id = %(session)s",
    "delete from recordings where capture_session_id = %(session)s or id = %(recording)s",
    (
        "delete from recordings r using capture_sessions s"
        " where s.id = r.capture_session_id and s.booking_id = %(booking)s"
    ),
    "delete from capture_sessions where booking_id = %(booking)s and id <> %(session)s",
    "update cases set deleted_at = null, state = 'OPEN' where id = %(case)s",
    "update bookings set deleted_at = null, case_id = %(case)s where id = %(booking)s",
    (
        "update capture_sessions set deleted_at = null, origin = 'PRE', booking_id = %(booking)s,"
        " status = %(status)s::recording_status where id = %(session)s"
    ),
)


_RECORDINGS = "select * from recordings where capture_session_id = %(session)s or id = %(recording)s"
_AUDITS = (
    "select id, created_at from audits where functional_area = 'capture-audit'"
    " and audit_details ->> 'captureSessionId' = %(session)s::text"
)


@dataclass(frozen=True)
class Session:
    """One session as it is planted, by its ids; ``recording`` is that of the container which holds its recording."""

    name: str
    status: str

    @property
    def session(self) -> UUID:
        return demo_id(self.name)

    @property
    def booking(self) -> UUID:
        return demo_id(f"{self.name}: booking")

    @property
    def case(self) -> UUID:
        return demo_id(f"{self.name}: case")

    @property
    def recording(self) -> UUID:
        return demo_id(f"{self.name}: recording")

    @property
    def track(self) -> str:
        """The name of its file."""
        return f"{self.session.hex}_1280x720_4500k.mp4"

    @property
    def container(self) -> PlantedContainer:
        """Its complete recording; without a manifest that tells its duration, which the stub could not give."""
        return PlantedContainer(str(self.recording), {self.track: 40 * 1024, f"{self.session.hex}.ism": 700})

    @property
    def planted(self) -> Case:
        """It as the demo's planting takes it."""
        return Case(self.name, "lost", None, status=self.status, containers=(self.container,))

    @property
    def ids(self) -> dict[str, Any]:
        """What statements about it are given."""
        named = {name: getattr(self, name) for name in ("session", "booking", "case", "recording")}
        return named | {"status": self.status, "other": uuid4()}


def lost_sessions(number: int = SESSIONS) -> list[Session]:
    """So many, of all statuses that hide a recording."""
    return [Session(f"lost {at}", _STATUSES[at % len(_STATUSES)]) for at in range(number)]


def reset(url: str, session: Session) -> None:
    """Make the rows of a session as they were planted, whatever was done to them."""
    with psycopg.connect(url) as connection:
        for statement in _RESET:
            connection.execute(statement.encode(), session.ids)


def rows(url: str, query: str, **values: Any) -> list[dict[str, Any]]:
    """The rows of a query."""
    with psycopg.connect(url, row_factory=dict_row) as connection:
        return connection.execute(query.encode(), values).fetchall()


def held_of(url: str, session: Session) -> Held:
    """What the database holds of a session."""
    return Held(rows(url, _RECORDINGS, **session.ids), rows(url, _AUDITS, **session.ids))


@dataclass(frozen=True)
class Database:
    """A database as its owner and as repairs see it: by a role with just their rights."""

    owner_url: str
    repair_url: str
    port: int

    def through(self, port: int) -> str:
        """It as repairs see it, by a gate at a port."""
        return self.repair_url.replace(f":{self.port}/", f":{port}/")


def plant(server: PostgresServer, name: str, sessions: Iterable[Session]) -> Database:
    """A new database of that name which holds these sessions."""
    url, role = server.create_database(name), f"repairer_of_{name}"
    create_schema(url)
    plant_rows(url, [session.planted for session in sessions])
    create_reader(url, role, _PASSWORD)
    with psycopg.connect(url) as connection:
        connection.execute(GRANTS.format(role=role).encode())
    return Database(url, f"postgresql://{role}:{_PASSWORD}@{HOST}:{server.port}/{name}", server.port)
