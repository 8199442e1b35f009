"""Sources that are the rows of one SQL statement, by a column of it: all that most profiles need of a database."""

from collections.abc import Callable, Sequence
from typing import Any

from reconciliation.coverage import Gap
from reconciliation.parameters import AuditParameters
from reconciliation.profile import Source
from reconciliation.queries import Moments, SqlRows


def table(
    name: str,
    setting: str,
    sql: str,
    *,
    key: str,
    row: Callable[[Any], Any] = lambda value: value,
    if_empty: Gap | None = None,
) -> Source:
    """A source of what a fixed statement selects, a JSON object for each row unless ``row`` makes more of it.

    ``key`` is the column that the rows are read by, and read again by. The statement may use ``%(since)s``,
    ``%(until)s``, ``%(only)s`` (null, unless they are asked), ``%(recent)s``, ``%(latest)s`` (see ``Moments``) and the
    profile's options by their names; all of them travel as bound values.
    """
    rows = f"select to_json(given)::text from ({sql}) given"  # noqa: S608 - a constant of a profile

    def read(asked: AuditParameters, moments: Moments) -> SqlRows:
        return SqlRows(f'{rows} order by {key}::text collate "C"', _values(asked, moments))

    def again(asked: AuditParameters, moments: Moments, keys: Sequence[str]) -> SqlRows:
        return SqlRows(f"{rows} where {key}::text = any(%(keys)s)", {**_values(asked, moments), "keys": list(keys)})

    return Source(name, setting, read, again, row, ascends=True, if_empty=if_empty)


def _values(asked: AuditParameters, moments: Moments) -> dict[str, Any]:
    options = {name: list(value) if isinstance(value, tuple) else value for name, value in asked.options.items()}
    return {
        **options,
        "since": asked.since,
        "until": asked.until,
        "only": list(asked.only) or None,
        **moments._asdict(),
    }
