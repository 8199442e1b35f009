"""Nasty values for every parameter and every member of every body that the document names, one at a time."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from tests.app.described import Description
from tests.app.fuzzing import nasty
from tests.app.fuzzing.judging import Asked

VALID = {
    "reason": b'"It is known to be broken."',
    "by": b'"the fuzzer"',
    "digest": b'"%s"' % (b"0" * 64),
    "name": b'"Nobody"',
    "pseudonym": b'"P-1"',
}


@dataclass(frozen=True)
class Place:
    """One parameter of one route, and the requests that try it."""

    name: str
    requests: st.SearchStrategy[Asked]


def places(description: Description, audit_ids: Sequence[str], repair_ids: Sequence[str]) -> Iterator[Place]:
    """Every place for a value, and the spelling of the routes themselves."""
    for (method, path), operation in description.operations.items():
        here = f"{method} {path}"
        filled = _filled(path, audit_ids, repair_ids)
        yield Place(f"{here} spelling", filled.flatmap(partial(_spelled, method)))
        for parameter in operation.get("parameters", ()):
            name = parameter["name"]
            tried = _in_path(method, path, name) if parameter["in"] == "path" else _in_query(method, filled, name)
            yield Place(f"{here} {name}", tried)
        if "requestBody" in operation:
            members = _members(description, operation)
            yield Place(f"{here} body", _with_body(method, filled, nasty.bodies, None))
            for name in members:
                bodies = nasty.values.map(partial(_object, name, members)) | nasty.repeated(name)
                yield Place(f"{here} {name}", _with_body(method, filled, bodies, frozenset({*members, "body"})))


def _filled(path: str, audit_ids: Sequence[str], repair_ids: Sequence[str]) -> st.SearchStrategy[str]:
    """The path with ids in it: most are of audits and repairs that there are."""
    filled = {
        path.replace("{audit_id}", audit).replace("{repair_id}", repair) for audit in audit_ids for repair in repair_ids
    }
    return st.sampled_from(sorted(filled))


def _members(description: Description, operation: Any) -> dict[str, bool]:
    """The members of a body, and whether they must be there."""
    name = operation["requestBody"]["content"]["application/json"]["schema"]["$ref"].rpartition("/")[2]
    schema = description.document["components"]["schemas"][name]
    return {member: member in schema.get("required", ()) for member in schema["properties"]}


def _object(name: str, members: dict[str, bool], value: bytes) -> bytes:
    others = {other: VALID[other] for other, required in members.items() if required and other != name}
    return b"{" + b",".join(b'"%s":%s' % (key.encode(), text) for key, text in {**others, name: value}.items()) + b"}"


def _in_path(method: str, path: str, name: str) -> st.SearchStrategy[Asked]:
    fields = frozenset({name, *VALID, "body"})  # a body is read before what it is about is looked up
    return nasty.in_addresses.map(
        lambda value: Asked(
            method, path.replace(f"{{{name}}}", value.replace("?", "%3F").replace("#", "%23")), b"", fields
        )
    )


def _in_query(method: str, filled: st.SearchStrategy[str], name: str) -> st.SearchStrategy[Asked]:
    single = nasty.in_addresses.map(lambda value: f"{name}={value.replace('#', '%23')}")
    query = (
        single
        | st.tuples(single, single).map("&".join)
        | st.sampled_from([name, f"{name}=", f"{name}[]=1", f"={name}"])
    )
    fields = frozenset({name})
    return st.tuples(filled, query).map(lambda both: Asked(method, f"{both[0]}?{both[1]}", b"", fields))


def _with_body(
    method: str, filled: st.SearchStrategy[str], bodies: st.SearchStrategy[bytes], fields: frozenset[str] | None
) -> st.SearchStrategy[Asked]:
    return st.tuples(filled, bodies).map(lambda both: Asked(method, both[0], both[1], fields))


def _spelled(method: str, path: str) -> st.SearchStrategy[Asked]:
    spellings = [
        path.upper(),
        path.title(),
        f"{path}/",
        f"/{path}",
        f"{path}/x",
        path.replace("a", "%61"),
        f"{path}?x=1",
    ]
    return st.sampled_from([path, *spellings]).map(lambda spelled: Asked(method, spelled))


def try_out(place: Place, send: Callable[[Asked], None], examples: int, round_: int) -> None:
    """Send so many requests for one place; another round tries other values."""

    @seed(round_)
    @settings(
        max_examples=examples,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(place.requests)
    def tried(asked: Asked) -> None:
        send(asked)

    tried()
