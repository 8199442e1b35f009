"""The question of an audit: its parameters and its places. Audits of the same question can be compared."""

import hashlib
import json
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

from reconciliation.audited import Audited
from reconciliation.fields import Fields
from reconciliation.parameters import AuditParameters
from reconciliation.times import to_text

SCHEMA_VERSION = 1
MOST_KEPT = 20


def question_of(asked: AuditParameters, of: Audited, apart: Collection[str] = ()) -> str:
    """A digest that is the same for two audits with the same parameters about the same places. The mode, unless it is
    one of those that are compared ``apart``, the name of the environment and optional places do not count.
    """
    places = {name: place for name, place in of.places.items() if name not in of.optional}
    mode = asked.mode if asked.mode in apart else None
    question = {"asked": asked.to_json() | {"mode": mode}, "of": places}
    return hashlib.sha256(json.dumps(question, sort_keys=True).encode()).hexdigest()[:32]


@dataclass(frozen=True)
class CompletedAudits:
    """The completed audits of a question, as creation time and id; the newest first, at most ``MOST_KEPT``."""

    audits: tuple[tuple[datetime, str], ...] = ()

    def beside(self, begun: tuple[datetime, str]) -> Self:
        """These and one more audit; equal if it is already among them."""
        return type(self)(tuple(sorted({*self.audits, begun}, reverse=True))[:MOST_KEPT])

    def before(self, begun: tuple[datetime, str]) -> list[str]:
        """The ids of those that began earlier, the newest first."""
        return [audit_id for at, audit_id in self.audits if (at, audit_id) < begun]

    def to_json(self) -> dict[str, Any]:
        """A JSON object; ``from_json`` gives back an equal value."""
        return {
            "schema_version": SCHEMA_VERSION,
            "complete": True,
            "audits": [{"id": audit_id, "created_at": to_text(at)} for at, audit_id in self.audits],
        }

    @classmethod
    def from_json(cls, value: Any) -> Self:
        """Raises ``ValueError`` if ``value`` is not what ``to_json`` makes."""
        audits = Fields.of_version(value, SCHEMA_VERSION).objects("audits")
        return cls(tuple((one.moment("created_at"), one.text("id")) for one in audits))
