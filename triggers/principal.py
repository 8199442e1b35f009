"""Who asks: the person whom the platform has authenticated, or a declared name.

A principal header counts only where the platform itself says that its authentication is on: anybody can send such a
header otherwise. https://learn.microsoft.com/azure/app-service/configure-authentication-user-identities
"""

import base64
import binascii
import json
from collections.abc import Mapping
from typing import Any

from adapters.settings import Settings
from reconciliation.people import Person
from runs.refusals import ForbiddenError

APPROVER = "Repair.Approve"
"""The app role that approving needs, where the platform authenticates."""
_HEADER = "x-ms-client-principal"
_TENANT = ("tid", "http://schemas.microsoft.com/identity/claims/tenantid")
_OBJECT = ("oid", "http://schemas.microsoft.com/identity/claims/objectidentifier")
_NAME = ("name", "preferred_username")
_ROLES = ("roles", "http://schemas.microsoft.com/ws/2008/06/identity/claims/role")


def person_of(settings: Settings, headers: Mapping[str, str], by: str | None) -> Person:
    """The person of a request. Raises ``ForbiddenError`` where the platform authenticates, and did not say who."""
    if not settings.platform_authenticates:
        return Person.declared(by or "")
    try:
        claims = _claims(headers.get(_HEADER) or "")
        tenant, its_id = _first(claims, _TENANT), _first(claims, _OBJECT)
    except (ValueError, TypeError, LookupError, binascii.Error) as error:
        raise ForbiddenError("The platform did not say who asks. Sign in, and send the request again.") from error
    name = next((value for kind in _NAME for value in claims.get(kind, ())), "a person without a name")
    return Person.verified(tenant, its_id, name, frozenset(value for kind in _ROLES for value in claims.get(kind, ())))


def may_apply(settings: Settings) -> None:
    """Raises ``ForbiddenError`` where a declared name is not enough to have anything applied: on the platform."""
    if settings.is_on_platform and not settings.platform_authenticates and not settings.repair_declared_names:
        raise ForbiddenError(
            "Nothing is applied by declared names on Azure. Turn the platform's authentication on, or set "
            "AUDIT_REPAIR_DECLARED_NAMES to true."
        )


def may_approve(person: Person) -> None:
    """Raises ``ForbiddenError`` if an authenticated person has not the role of an approver."""
    if person.is_verified and APPROVER not in person.roles:
        raise ForbiddenError(f"Approving needs the app role {APPROVER}. Have it assigned to you.")


def _claims(header: str) -> dict[str, list[str]]:
    """The claims of a principal by their types."""
    document: Any = json.loads(base64.b64decode(header, validate=True))
    claims: dict[str, list[str]] = {}
    for claim in document["claims"]:
        claims.setdefault(str(claim["typ"]), []).append(str(claim["val"]))
    return claims


def _first(claims: Mapping[str, list[str]], kinds: tuple[str, ...]) -> str:
    """Raises ``LookupError`` if there is none."""
    values = [value for kind in kinds for value in claims.get(kind, ()) if value.strip()]
    return values[0]
