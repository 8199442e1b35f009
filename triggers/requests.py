"""Reading requests: every field checked, every problem told at once, nothing guessed."""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, TypeVar
from uuid import UUID

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    WithJsonSchema,
)

from profiles import DEFAULT_PROFILE, PROFILES
from reconciliation.errors import BadRequestError, FieldProblem
from reconciliation.parameters import AuditParameters, Mode
from reconciliation.run_record import is_audit_id
from reconciliation.times import from_text, to_text

MOST_BODY_BYTES = 64 * 1024
BodyT = TypeVar("BodyT", bound=BaseModel)
MOST_LISTED = 200
DEFAULT_LIMIT = 20
# Up to nine digits of a second: .NET and PowerShell write seven. What is beyond microseconds is cut.
MOMENT = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,9})?)?(Z|[+-][0-9]{2}:[0-9]{2})$"
_PREFIX = r"^[$a-z0-9-]{1,63}$"
_UUID = r"^(urn:uuid:)?\{?[0-9a-fA-F]{8}(-?[0-9a-fA-F]{4}){3}-?[0-9a-fA-F]{12}\}?$"


def new_audit_id(at: datetime, random_hex: str) -> str:
    """``20260131-093000-1a2b3c4d``: sorts by time, is safe as a path, a URL part and an instance id."""
    return f"{at:%Y%m%d-%H%M%S}-{random_hex[:8]}"


def _moment(value: object) -> datetime:
    # The library would take a text of digits for seconds since 1970, and "20240718" is not meant so.
    if not (isinstance(value, str) and re.fullmatch(MOMENT, value)):
        raise ValueError("a date and time with its zone")
    return from_text(value)


def _printable(text: str) -> str:
    if not text.isprintable():
        raise ValueError("a text of printable characters")
    return text


Moment = Annotated[
    AwareDatetime,
    BeforeValidator(_moment),
    WithJsonSchema({"type": "string", "format": "date-time", "pattern": MOMENT}),
]
Status = Annotated[
    str, Field(json_schema_extra={"enum": [*dict.fromkeys(status for p in PROFILES.values() for status in p.statuses)]})
]
Prefix = Annotated[str, Field(pattern=_PREFIX)]
SessionId = Annotated[str, Field(pattern=_UUID), AfterValidator(lambda text: str(UUID(text)))]
OneLine = Annotated[str, StringConstraints(strip_whitespace=True), AfterValidator(_printable)]


class StartAudit(BaseModel):
    """The body of POST /audits."""

    model_config = ConfigDict(extra="forbid", strict=True)

    profile: Annotated[str, Field(json_schema_extra={"enum": list(PROFILES)})] = DEFAULT_PROFILE
    since: Moment | None = None
    until: Moment | None = None
    statuses: Annotated[list[Status] | None, Field(min_length=1, max_length=20)] = None
    grace_minutes: Annotated[int | None, Field(ge=0, le=7 * 24 * 60)] = None
    container_prefixes: Annotated[list[Prefix], Field(max_length=256)] = []
    only: Annotated[list[SessionId], Field(max_length=1000)] = []
    ingest_address_contains: Annotated[str | None, Field(min_length=1, max_length=255)] = None
    mode: Annotated[Mode, Field(strict=False)] = Mode.FULL


_ALLOWED = {
    "profile": "one of " + ", ".join(PROFILES),
    "since": "a date and time with its zone, such as 2024-07-18T00:00:00Z",
    "until": "a date and time with its zone, such as 2024-07-18T00:00:00Z",
    "statuses": "a list of 1 to 20 statuses of the profile (see GET /profiles)",
    "grace_minutes": "a whole number from 0 to 10080",
    "container_prefixes": "a list of at most 256 beginnings of container names (lower-case letters, digits, hyphens)",
    "only": "a list of at most 1000 UUIDs of capture sessions",
    "ingest_address_contains": "a text of 1 to 255 characters",
    "mode": "one of " + ", ".join(Mode),
    "body": f"a JSON object of at most {MOST_BODY_BYTES} bytes with any of the fields "
    + ", ".join(StartAudit.model_fields),
}


class DiscardDeadLetters(BaseModel):
    """The body of POST /audits/{id}/dead-letters/discard."""

    model_config = ConfigDict(extra="forbid", strict=True)

    reason: Annotated[OneLine, Field(min_length=3, max_length=500)]
    by: Annotated[OneLine, Field(min_length=1, max_length=100)]


def read_discard(body: bytes) -> DiscardDeadLetters:
    """Why, and by whom. Raises ``BadRequestError``."""
    allowed = {
        "reason": "a text of 3 to 500 characters on one line",
        "by": "who decides: a text of 1 to 100 characters on one line",
        "body": f"a JSON object of at most {MOST_BODY_BYTES} bytes with the fields reason and by",
    }
    return _read(DiscardDeadLetters, body or b"{}", allowed)


def read_start(body: bytes) -> AuditParameters:
    """The parameters that a body asks for, with the profile's defaults. Raises ``BadRequestError``."""
    asked = _read(StartAudit, body if body.strip() else b"{}", _ALLOWED)
    problems = []
    profile = PROFILES.get(asked.profile)
    if profile is None:
        problems.append(_wrong("profile", asked.profile))
    else:
        problems += [
            FieldProblem("statuses", _short(status), "one of " + ", ".join(profile.statuses))
            for status in asked.statuses or ()
            if status not in profile.statuses
        ]
    if asked.since and asked.until and asked.since >= asked.until:
        problems.append(FieldProblem("until", to_text(asked.until), f"a moment after since ({to_text(asked.since)})"))
    if asked.ingest_address_contains and not asked.ingest_address_contains.isprintable():
        problems.append(_wrong("ingest_address_contains", asked.ingest_address_contains))
    if problems or profile is None:
        raise BadRequestError(problems)
    return AuditParameters(
        profile=profile.name,
        mode=asked.mode,
        statuses=tuple(dict.fromkeys(asked.statuses or profile.default_statuses)),
        grace_minutes=profile.default_grace_minutes if asked.grace_minutes is None else asked.grace_minutes,
        since=asked.since,
        until=asked.until,
        container_prefixes=tuple(dict.fromkeys(asked.container_prefixes)),
        only=tuple(dict.fromkeys(asked.only)),
        ingest_address_contains=asked.ingest_address_contains,
    )


def read_audit_id(text: str | None) -> str:
    """An audit id from a route. Raises ``BadRequestError``: nothing else may become part of a path."""
    if text is None or not is_audit_id(text):
        raise BadRequestError([FieldProblem("audit_id", _short(text), "an audit id such as 20260131-093000-1a2b3c4d")])
    return text


def read_choice(name: str, text: str | None, choices: tuple[str, ...], default: str | None) -> str | None:
    """A query parameter out of a closed list. Raises ``BadRequestError``."""
    if text is None:
        return default
    if text not in choices:
        raise BadRequestError([FieldProblem(name, _short(text), "one of " + ", ".join(choices))])
    return text


def read_limit(text: str | None, default: int = DEFAULT_LIMIT) -> int:
    """The ``limit`` query parameter. Raises ``BadRequestError``."""
    if text is None:
        return default
    if not (text.isascii() and text.isdecimal() and len(text) < 6 and 1 <= int(text) <= MOST_LISTED):  # noqa: PLR2004
        raise BadRequestError([FieldProblem("limit", _short(text), f"a whole number from 1 to {MOST_LISTED}")])
    return int(text)


def _read(kind: type[BodyT], body: bytes, allowed: Mapping[str, str]) -> BodyT:
    """A body of that kind. Raises ``BadRequestError`` with everything that is wrong."""
    if len(body) > MOST_BODY_BYTES:
        raise BadRequestError([FieldProblem("body", _short(f"{len(body)} bytes"), allowed["body"])])
    try:
        return kind.model_validate_json(body)
    except ValidationError as error:
        raise BadRequestError([_from_pydantic(item, allowed) for item in error.errors(include_url=False)]) from None


def _from_pydantic(item: Any, allowed: Mapping[str, str]) -> FieldProblem:
    location = [str(part) for part in item["loc"]]
    if not location:
        seen = "not a JSON object" if item["type"] != "json_invalid" else "not JSON"
        return FieldProblem("body", _short(seen), allowed["body"])
    if item["type"] == "extra_forbidden":
        return FieldProblem(_short(location[0], quoted=False), "unknown field", allowed["body"])
    seen = "missing" if item["type"] == "missing" else _short(item["input"])
    return FieldProblem(".".join(location), seen, allowed[location[0]])


def _wrong(field: str, value: Any) -> FieldProblem:
    return FieldProblem(field, _short(value), _ALLOWED[field])


def _short(value: Any, *, quoted: bool = True, most: int = 80) -> str:
    text = repr(value) if quoted else "".join(character for character in str(value) if character.isprintable())
    return text if len(text) <= most else f"{text[:most]}..."
