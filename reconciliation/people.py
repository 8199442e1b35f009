"""Who proposed and who approved: sealed in what a digest covers, named beside it.

A plan and a decision hold a seal of each person, not the name: a name can be replaced by a pseudonym years later, and
what was approved stays provable.
"""

from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Any, Self

from reconciliation.fields import Fields


@dataclass(frozen=True)
class Person:
    """Somebody who acts. ``identity`` is what tells one from another: tenant and object id where the platform vouches
    for them (``is_verified``), else the name that was declared. ``name`` is for readers. ``roles`` are those of the app
    that the platform says the person has.
    """

    identity: str
    name: str
    is_verified: bool
    roles: frozenset[str] = frozenset()

    @classmethod
    def declared(cls, name: str) -> Self:
        """Somebody who says who they are. Case and blanks tell nobody apart."""
        return cls("declared:" + " ".join(name.split()).casefold(), " ".join(name.split()), is_verified=False)

    @classmethod
    def verified(cls, tenant: str, object_id: str, name: str, roles: frozenset[str]) -> Self:
        """Somebody whom the platform has authenticated."""
        return cls(f"entra:{tenant.casefold()}/{object_id.casefold()}", name, is_verified=True, roles=roles)


@dataclass(frozen=True)
class Sealed:
    """A person beside the salt that the seal is made with. Without identity and salt, it is a pseudonym."""

    seal: str
    name: str
    identity: str | None
    salt: str | None
    is_verified: bool

    @classmethod
    def of(cls, person: Person, salt: str) -> Self:
        """The person, sealed."""
        return cls(_seal(person.identity, salt), person.name, person.identity, salt, person.is_verified)

    def is_of(self, person: Person) -> bool:
        """True if it is this person. Of a pseudonym it cannot be told: True, so that nobody approves their own plan."""
        return self.salt is None or self.seal == _seal(person.identity, self.salt)

    def called(self, pseudonym: str) -> Self:
        """Without anything that leads to the person."""
        return replace(self, name=pseudonym, identity=None, salt=None)

    def to_json(self) -> dict[str, Any]:
        """A JSON object; ``from_json`` gives back an equal value."""
        return {
            "seal": self.seal,
            "name": self.name,
            "identity": self.identity,
            "salt": self.salt,
            "is_verified": self.is_verified,
        }

    @classmethod
    def from_json(cls, value: Any) -> Self:
        """Raises ``ValueError`` if it is not what ``to_json`` makes, or if the seal is of somebody else."""
        fields = Fields.of(value)
        identity, salt = fields.optional("identity", fields.text), fields.optional("salt", fields.text)
        seal = fields.text("seal")
        if (identity is None) != (salt is None) or (identity and salt and _seal(identity, salt) != seal):
            raise ValueError("its seal is not that of its identity")
        return cls(seal, fields.text("name"), identity, salt, fields.members.get("is_verified") is True)


def _seal(identity: str, salt: str) -> str:
    return sha256(f"{salt}\n{identity}".encode()).hexdigest()
