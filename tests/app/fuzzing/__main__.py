"""``make fuzz``: at least 10,000 requests to an app on this machine; ends with one line of JSON."""

import argparse
import sys
import tempfile
from pathlib import Path

import psycopg

from dev.demo.cases import healthy_cases, special_cases
from dev.devstack.azurite import azurite
from dev.devstack.postgres import postgres
from tests.app.fuzzing.campaign import KEY, SETTINGS, fuzz
from tests.app.fuzzing.judging import Tally
from tests.app.proxy import storage_proxy
from tests.app.world import World, leaks, planted, running
from tests.conftest import PRE_SCHEMA

MOST_SHOWN = 20


def main() -> int:
    """Returns 1 if anything was wrong."""
    parser = argparse.ArgumentParser(prog="make fuzz", description=__doc__)
    parser.add_argument("--requests", type=int, default=10_000, help="at least so many (default: %(default)s)")
    parser.add_argument("--examples", type=int, default=20, help="for each place in each round (default: %(default)s)")
    chosen = parser.parse_args()
    tally = _campaign(chosen.requests, chosen.examples)
    print(tally.to_json())
    return 1 if tally.problems else 0


def _campaign(at_least: int, examples: int) -> Tally:
    cases = [case for case in special_cases() if case.name == "swept"] + healthy_cases(2)
    with (
        postgres() as database,
        azurite() as source,
        azurite() as report,
        storage_proxy(source.port) as proxy,
        tempfile.TemporaryDirectory() as directory,
    ):
        url = database.create_database("fuzz")
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(PRE_SCHEMA.read_bytes())
        world = planted(
            World(
                source=source.connection_string,
                report=report.connection_string,
                report_container="audits",
                database=url,
                cases=tuple(cases),
                containers=tuple(container for case in cases for container in case.containers),
            )
        )
        settings = world.settings(SOURCE_STORAGE=proxy.connection_string, **SETTINGS)
        with running(settings, Path(directory)) as api:
            tally = fuzz(api, world, proxy, at_least=at_least, examples=examples, tell=_tell)
            tally.secrets += leaks(api, world, KEY)
            return tally


def _tell(tally: Tally) -> None:
    print(f"{tally.requests:,} requests, {len(tally.problems)} problems so far", file=sys.stderr, flush=True)
    for problem in tally.problems[:MOST_SHOWN]:
        print(f"  {problem}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
