"""Sources that are the rows of one SQL statement with a key column: enough for most profiles."""

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
    """A source of the rows of a fixed statement, each a JSON object unless ``row`` makes something else of it.

    ``key`` is the column by which the rows are ordered, and selected when they are read again. The statement may use
    ``%(since)s``, ``%(until)s``, ``%(only)s`` (null unless requested), ``%(recent)s``, ``%(latest)s`` (see ``Moments``)
    and the profile's options by their names; all of them are bound values.
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
        **moments.values,
    }
