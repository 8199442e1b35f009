"""Groups in doubt, as they are stored between two steps."""

import json
from collections.abc import Sequence
from enum import Enum
from typing import Any, NamedTuple

from adapters.store.rows import Item
from reconciliation.evidence import Unread
from reconciliation.looks import Again, Group
from reconciliation.lookups import lookup_from_json, lookup_to_json
from reconciliation.profile import Profile
from reconciliation.screened import DoubtKept

Links = Sequence[tuple[str, Any]]


class Same(Enum):
    """Stands for evidence that is equal to that of the first look, which is stored with the doubt."""

    AS_BEFORE = "as before"


class LookedUp(NamedTuple):
    """The results of the second look's look-ups for one group; its evidence may be ``Same.AS_BEFORE``."""

    join: str
    key: str
    evidence: Any
    late: list[Any]


def doubt_to_json(doubt: DoubtKept, items: Sequence[Sequence[Item]], links: Links, profile: Profile) -> list[Any]:
    """A JSON array; ``doubt_from_json`` gives back an equal doubt. ``items`` are the rows with their lines."""
    return [
        doubt.join,
        doubt.group.key,
        [[line.decode() for _, line in of_source] for of_source in items],
        evidence_to_json(doubt.group.evidence, profile),
        [[unit, evidence_to_json(evidence, profile)] for unit, evidence in links],
        doubt.again.unit,
        [lookup_to_json(lookup) for lookup in doubt.again.late],
    ]


def doubt_from_json(value: list[Any], profile: Profile, *, whole: bool = True) -> DoubtKept:
    """One that need not be ``whole`` has no rows and links if its unit is not looked up: other look-ups need none.
    Raises ``ValueError``, ``TypeError`` or ``LookupError`` if it is not what ``doubt_to_json`` makes.
    """
    join, key, lines, evidence, links, unit, late = value
    _check_texts(join, key)
    reads = [profile.source(name).row for name, _ in profile.join(join).of]
    if not whole and not unit:
        lines, links = [()] * len(reads), ()
    rows = tuple(tuple(read(json.loads(line)) for line in of) for read, of in zip(reads, lines, strict=True))
    named = [evidence_from_json(of_unit, packed, profile) for of_unit, packed in links]
    group = Group(key, rows, evidence_from_json(key, evidence, profile), named)
    return DoubtKept(join, group, Again(unit, tuple(map(lookup_from_json, late))))


def looked_up_to_json(looked_up: LookedUp, profile: Profile) -> list[Any]:
    """A JSON array; ``looked_up_from_json`` gives back an equal value."""
    late = [{"unread": list(one)} if isinstance(one, Unread) else {"answer": one} for one in looked_up.late]
    evidence = looked_up.evidence
    stored = evidence.value if isinstance(evidence, Same) else evidence_to_json(evidence, profile)
    return [looked_up.join, looked_up.key, stored, late]


def looked_up_from_json(value: list[Any], profile: Profile) -> LookedUp:
    """Raises ``ValueError``, ``TypeError`` or ``LookupError`` if it is not what ``looked_up_to_json`` makes."""
    join, key, evidence, late = value
    _check_texts(join, key)
    results = [Unread(*one["unread"]) if "unread" in one else one["answer"] for one in late]
    read = Same(evidence) if isinstance(evidence, str) else evidence_from_json(key, evidence, profile)
    return LookedUp(join, key, read, results)


def counted_from_json(value: list[Any]) -> tuple[str, str, list[str]]:
    """Kind, verdict and ids of counted subjects. Raises ``ValueError`` or ``TypeError`` for other values."""
    join, kind, verdict, ids = value
    if not isinstance(ids, list):
        raise TypeError(ids)
    _check_texts(join, kind, verdict, *ids)
    return kind, verdict, ids


def _check_texts(*values: Any) -> None:
    if {*map(type, values)} != {str}:
        raise TypeError(values)


def evidence_to_json(evidence: Any, profile: Profile) -> Any:
    """For evidence, an ``Unread``, or None."""
    if evidence is None:
        return None
    if isinstance(evidence, Unread):
        return {"unread": list(evidence)}
    assert profile.scan is not None
    return {"evidence": profile.scan.pack(evidence)}


def evidence_from_json(unit: str, value: Any, profile: Profile) -> Any:
    """The inverse of ``evidence_to_json``."""
    if value is None:
        return None
    if "unread" in value:
        return Unread(*value["unread"])
    assert profile.scan is not None
    return profile.scan.unpack(unit, value["evidence"])
