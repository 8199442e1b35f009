"""Who is who, and that a name can go without the proof."""

from typing import Any

import pytest

from reconciliation.people import Person, Sealed

NOBODY: frozenset[str] = frozenset()
ANN = Person.verified("Tenant-1", "Object-1", "Ann", frozenset({"Repair.Approve"}))


def test_a_declared_name_is_one_person_however_it_is_written() -> None:
    assert Person.declared(" Ann  Lee ") == Person.declared("Ann Lee")
    assert Person.declared("ann lee").identity == Person.declared("ANN LEE").identity
    assert Person.declared("Ann Lee").identity != Person.declared("Ann Leigh").identity


def test_people_are_told_apart_by_tenant_and_object_and_never_by_name() -> None:
    assert ANN.identity == Person.verified("tenant-1", "object-1", "A. Lee", NOBODY).identity
    assert ANN.identity != Person.verified("tenant-1", "object-2", "Ann", NOBODY).identity
    assert ANN.identity != Person.verified("tenant-2", "object-1", "Ann", NOBODY).identity
    assert ANN.identity != Person.declared("tenant-1/object-1").identity


def test_a_seal_is_of_one_person_and_tells_nobody_which() -> None:
    sealed = Sealed.of(ANN, "salt")
    assert sealed.is_of(ANN)
    assert not sealed.is_of(Person.declared("Ann"))
    assert sealed.seal != Sealed.of(ANN, "another salt").seal
    assert "object" not in sealed.seal
    assert Sealed.from_json(sealed.to_json()) == sealed


def test_a_pseudonym_keeps_the_seal_and_nothing_that_leads_to_the_person() -> None:
    called = Sealed.of(ANN, "salt").called("person 7")
    assert (called.seal, called.name) == (Sealed.of(ANN, "salt").seal, "person 7")
    assert "Ann" not in str(called.to_json())
    assert "object" not in str(called.to_json())
    assert Sealed.from_json(called.to_json()) == called
    assert called.is_of(Person.declared("anybody")), "who it was cannot be told, so nobody is taken for another"


@pytest.mark.parametrize(
    "change", [{"identity": "declared:bob"}, {"salt": "other"}, {"salt": None}, {"identity": None}]
)
def test_a_person_who_was_exchanged_is_noticed(change: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="seal"):
        Sealed.from_json(Sealed.of(ANN, "salt").to_json() | change)
