"""Who asks: what the platform says, or what is declared."""

import base64
import json
from dataclasses import replace
from typing import Any

import pytest

from adapters.connections import StorageConnection
from adapters.settings import Settings
from reconciliation.people import Person
from runs.refusals import ForbiddenError
from triggers.principal import APPROVER, may_apply, may_approve, person_of

SETTINGS = Settings(StorageConnection("REPORT_STORAGE", "https://reports.example", "reports"))
SIGNED_IN = replace(SETTINGS, is_on_platform=True, platform_authenticates=True)
CLAIMS = [
    {"typ": "http://schemas.microsoft.com/identity/claims/tenantid", "val": "tenant"},
    {"typ": "http://schemas.microsoft.com/identity/claims/objectidentifier", "val": "object"},
    {"typ": "name", "val": "Ann Lee"},
    {"typ": "roles", "val": APPROVER},
    {"typ": "roles", "val": "Reader"},
]


def header(claims: list[dict[str, Any]]) -> dict[str, str]:
    document = json.dumps({"auth_typ": "aad", "claims": claims}).encode()
    return {"x-ms-client-principal": base64.b64encode(document).decode()}


def test_a_person_is_who_the_platform_says() -> None:
    person = person_of(SIGNED_IN, header(CLAIMS), None)
    assert person == Person.verified("tenant", "object", "Ann Lee", frozenset({APPROVER, "Reader"}))
    short = [
        {"typ": "tid", "val": "tenant"},
        {"typ": "oid", "val": "object"},
        {"typ": "preferred_username", "val": "ann"},
    ]
    assert person_of(SIGNED_IN, header(short), None).identity == person.identity


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"x-ms-client-principal": ""},
        {"x-ms-client-principal": "not base64!"},
        {"x-ms-client-principal": base64.b64encode(b"[]").decode()},
        {"x-ms-client-principal": base64.b64encode(b"{").decode()},
        header([]),
        header(CLAIMS[:1]),
        header(CLAIMS[1:]),
        header([{"typ": "tid", "val": " "}, {"typ": "oid", "val": "object"}]),
        header([{"typ": "tid"}]),
        {"x-ms-client-principal-name": "Ann", "x-ms-client-principal-id": "object"},
    ],
)
def test_without_a_principal_that_can_be_read_nobody_asks(headers: dict[str, str]) -> None:
    with pytest.raises(ForbiddenError, match="did not say who asks"):
        person_of(SIGNED_IN, headers, None)


def test_a_header_counts_for_nothing_where_the_platform_does_not_authenticate() -> None:
    """Anybody can send one."""
    for settings in (SETTINGS, replace(SETTINGS, is_on_platform=True)):
        assert person_of(settings, header(CLAIMS), "Bob") == Person.declared("Bob")


def test_approving_needs_the_role_where_the_platform_says_who_has_it() -> None:
    may_approve(person_of(SIGNED_IN, header(CLAIMS), None))
    may_approve(Person.declared("Bob"))
    with pytest.raises(ForbiddenError, match=APPROVER):
        may_approve(person_of(SIGNED_IN, header(CLAIMS[:3]), None))


@pytest.mark.parametrize(
    ("is_on_platform", "authenticates", "declared", "allowed"),
    [
        (False, False, False, True),
        (True, True, False, True),
        (True, False, True, True),
        (True, False, False, False),
    ],
)
def test_declared_names_have_nothing_applied_on_the_platform_unless_a_setting_says_so(
    is_on_platform: bool, authenticates: bool, declared: bool, allowed: bool
) -> None:
    settings = replace(
        SETTINGS,
        is_on_platform=is_on_platform,
        platform_authenticates=authenticates,
        repair_declared_names=declared,
    )
    if allowed:
        may_apply(settings)
    else:
        with pytest.raises(ForbiddenError, match="AUDIT_REPAIR_DECLARED_NAMES"):
            may_apply(settings)
