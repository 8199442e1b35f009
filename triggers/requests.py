"""Reading requests: every field is checked, and all problems are in one error."""

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Annotated, Any, TypeVar

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    RootModel,
    StringConstraints,
    ValidationError,
    WithJsonSchema,
)

from reconciliation import policy
from reconciliation.errors import BadRequestError, FieldProblem
from reconciliation.options import Value, shortened
from reconciliation.parameters import AuditParameters
from reconciliation.profile import Keys, Profile
from reconciliation.repair import MOST_CHANGES
from reconciliation.repair_record import DIGEST, LONGEST_REASON
from reconciliation.run_record import is_audit_id
from reconciliation.times import from_text, to_text

MOST_BODY_BYTES = 64 * 1024
BodyT = TypeVar("BodyT", bound=BaseModel)
MOST_SHOWN = 200
MOST_KEYS = 1000
DEFAULT_LIMIT = 20
# Up to nine digits of a second: .NET and PowerShell write seven. What is beyond microseconds is cut.
MOMENT = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,9})?)?(Z|[+-][0-9]{2}:[0-9]{2})$"


def _moment(value: object) -> datetime:
    # The library would read a text of digits, such as "20240718", as seconds since 1970.
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
OneLine = Annotated[str, StringConstraints(strip_whitespace=True), AfterValidator(_printable)]


class StartAudit(BaseModel):
    """The body of POST /audits. The profile's options may stand in ``options`` or beside the other fields."""

    model_config = ConfigDict(extra="ignore", strict=True)

    # ``read_start`` checks these, and the keys in ``only``, against the enabled profiles.
    profile: Any = None
    mode: Any = None
    since: Moment | None = None
    until: Moment | None = None
    grace_minutes: Annotated[int | None, Field(ge=0, le=7 * 24 * 60)] = None
    only: Annotated[list[Any], Field(max_length=MOST_KEYS)] = []
    options: dict[str, Any] = {}


class _JsonObject(RootModel[dict[str, Any]]):
    pass


_FIELDS = (*StartAudit.model_fields,)
_ALLOWED = {
    "since": "a date and time with its zone, such as 2024-07-18T00:00:00Z",
    "until": "a date and time with its zone, such as 2024-07-18T00:00:00Z",
    "grace_minutes": "a whole number from 0 to 10080",
    "only": f"a list of at most {MOST_KEYS} keys of what the profile judges",
    "options": "an object with options of the profile (see GET /profiles)",
    "body": f"a JSON object of at most {MOST_BODY_BYTES} bytes with any of the fields {', '.join(_FIELDS)}",
}


class DiscardDeadLetters(BaseModel):
    """The body of POST /audits/{id}/dead-letters/discard."""

    model_config = ConfigDict(extra="forbid", strict=True)

    reason: Annotated[OneLine, Field(min_length=3, max_length=500)]
    by: Annotated[OneLine, Field(min_length=1, max_length=100)]


def read_discard(body: bytes) -> DiscardDeadLetters:
    """Raises ``BadRequestError`` with all problems."""
    allowed = {
        "reason": "a text of 3 to 500 characters on one line",
        "by": "who decides: a text of 1 to 100 characters on one line",
        "body": f"a JSON object of at most {MOST_BODY_BYTES} bytes with the fields reason and by",
    }
    given = _read(DiscardDeadLetters, body or b"{}", allowed)
    _no_policy("by", given.by, allowed["by"])
    return given


class ProposeRepair(BaseModel):
    """The body of POST /audits/{id}/repairs: these findings, those of these verdicts, or all that can be repaired."""

    model_config = ConfigDict(extra="forbid", strict=True)

    by: Annotated[OneLine, Field(min_length=1, max_length=100)] | None = None
    findings: Annotated[list[str], Field(min_length=1, max_length=MOST_CHANGES)] | None = None
    verdicts: Annotated[list[str], Field(min_length=1, max_length=100)] | None = None
    max: Annotated[int, Field(ge=1, le=MOST_CHANGES)] = MOST_CHANGES


class DecideRepair(BaseModel):
    """The body of POST /repairs/{id}/approve and /reject: about exactly the plan of this digest."""

    model_config = ConfigDict(extra="forbid", strict=True)

    digest: Annotated[str, Field(pattern=DIGEST)]
    reason: Annotated[OneLine, Field(min_length=3, max_length=LONGEST_REASON)]
    by: Annotated[OneLine, Field(min_length=1, max_length=100)] | None = None


class PseudonymOfRepair(BaseModel):
    """The body of POST /repairs/{id}/pseudonym: everybody of that name is called otherwise."""

    model_config = ConfigDict(extra="forbid", strict=True)

    name: Annotated[OneLine, Field(min_length=1, max_length=100)]
    pseudonym: Annotated[OneLine, Field(min_length=1, max_length=100)]
    by: Annotated[OneLine, Field(min_length=1, max_length=100)] | None = None


class AskRepair(BaseModel):
    """The body of POST /repairs/{id}/stop and /undo."""

    model_config = ConfigDict(extra="forbid", strict=True)

    by: Annotated[OneLine, Field(min_length=1, max_length=100)] | None = None


class ResumePolicy(BaseModel):
    """The body of POST /policies/{profile}/resume."""

    model_config = ConfigDict(extra="forbid", strict=True)

    reason: Annotated[OneLine, Field(min_length=3, max_length=LONGEST_REASON)]
    by: Annotated[OneLine, Field(min_length=1, max_length=100)] | None = None


_BY = "who asks: a text of 1 to 100 characters on one line; nothing where the platform says who asks"
_OF_REPAIRS = {
    "by": _BY,
    "findings": f"a list of 1 to {MOST_CHANGES} ids of subjects that the audit has findings on",
    "verdicts": "a list of 1 to 100 verdicts of the profile (see GET /profiles)",
    "max": f"a whole number from 1 to {MOST_CHANGES}",
    "digest": "the digest of the plan: 64 lower-case hex digits",
    "reason": f"a text of 3 to {LONGEST_REASON} characters on one line, without names of witnesses",
    "name": "the name of a person in this repair: a text of 1 to 100 characters on one line",
    "pseudonym": "what to call the person instead: a text of 1 to 100 characters on one line",
}


def read_repair(kind: type[BodyT], body: bytes, *, names_itself: bool) -> BodyT:
    """The body of a request about a repair. ``names_itself``: the platform does not say who asks, so the body must.

    Raises ``BadRequestError`` with all problems.
    """
    allowed = {name: text for name, text in _OF_REPAIRS.items() if name in kind.model_fields}
    allowed["body"] = f"a JSON object of at most {MOST_BODY_BYTES} bytes with any of the fields {', '.join(allowed)}"
    given = _read(kind, body if body.strip() else b"{}", allowed)
    by = getattr(given, "by", None)
    if (by is not None) is not names_itself:
        wanted = _BY if names_itself else "nothing: the platform says who asks"
        raise BadRequestError([FieldProblem("by", shortened(by) if by else "missing", wanted)])
    for name in ("by", "name", "pseudonym"):
        _no_policy(name, getattr(given, name, None), _OF_REPAIRS[name])
    return given


def _no_policy(field: str, text: str | None, allowed: str) -> None:
    """Nobody is called what a policy is called, nor a policy what people are."""
    if text is not None and text.casefold() == policy.NAME:
        raise BadRequestError(
            [FieldProblem(field, shortened(text), f"{allowed}; not {policy.NAME}, which is what a policy is called")]
        )


def read_start(body: bytes, profiles: Mapping[str, Profile]) -> AuditParameters:
    """The parameters of a body, with the profile's defaults; the default profile is the first one.

    Raises ``BadRequestError`` with all problems.
    """
    given = _read(_JsonObject, body if body.strip() else b"{}", _ALLOWED).root
    name = given.get("profile", next(iter(profiles)))
    profile = next((one for one in profiles.values() if one.name == name), None)
    general, problems = _general(given, profile)
    problems += _unknown(given, profiles.values() if profile is None else [profile])
    if profile is None:
        raise BadRequestError([FieldProblem("profile", shortened(name), _one_of(profiles)), *problems])
    mode = given.get("mode", profile.modes[0])
    if mode not in profile.modes:
        problems.append(FieldProblem("mode", shortened(mode), _one_of(profile.modes)))
    problems += _unsupported(given, profile)
    only, not_keys = _keys(given.get("only"), profile.only)
    problems += not_keys
    options, wrong = _options(given, profile)
    if problems or wrong:
        raise BadRequestError([*problems, *wrong])
    return AuditParameters(
        profile=profile.name,
        mode=mode,
        grace_minutes=profile.default_grace_minutes if general.grace_minutes is None else general.grace_minutes,
        since=general.since,
        until=general.until,
        only=only,
        options=options,
    )


def _general(given: Mapping[str, Any], profile: Profile | None) -> tuple[StartAudit, list[FieldProblem]]:
    """The parameters that every profile has, and their problems; the defaults if they cannot be parsed."""
    fields = _ALLOWED if profile is None or profile.only is None else {**_ALLOWED, "only": _keys_of(profile.only)}
    try:
        general = StartAudit.model_validate(given)
    except ValidationError as error:
        return StartAudit(), [_from_pydantic(item, fields) for item in error.errors(include_url=False)]
    if general.since and general.until and general.since >= general.until:
        allowed = f"a moment after since ({to_text(general.since)})"
        return general, [FieldProblem("until", to_text(general.until), allowed)]
    return general, []


def _unsupported(given: Mapping[str, Any], profile: Profile) -> Iterator[FieldProblem]:
    """Problems for the parameters that narrow the question but that this profile does not support."""
    heeded = {*profile.narrowed_by, *([] if profile.only is None else ["only"])}
    for name in ("since", "until", "only"):
        if given.get(name) and name not in heeded:
            yield FieldProblem(name, shortened(given[name]), f"nothing: {profile.name} cannot be narrowed by it")


def _keys(given: Any, keys: Keys | None) -> tuple[tuple[str, ...], list[FieldProblem]]:
    """The keys, each once, and a problem for each text that is not a key; then no keys."""
    if keys is None or not isinstance(given, list) or len(given) > MOST_KEYS:
        return (), []
    are_keys = [isinstance(text, str) and re.fullmatch(keys.form, text) is not None for text in given]
    problems = [
        FieldProblem(f"only.{number}", shortened(text), _keys_of(keys))
        for number, (text, is_key) in enumerate(zip(given, are_keys, strict=True))
        if not is_key
    ]
    return (() if problems else tuple(dict.fromkeys(map(keys.read, given)))), problems


def _keys_of(keys: Keys) -> str:
    return f"a list of at most {MOST_KEYS} {keys.are}"


def _unknown(given: Mapping[str, Any], profiles: Iterable[Profile]) -> Iterator[FieldProblem]:
    """Problems for the names in a body that are neither fields nor options of these profiles."""
    options = dict.fromkeys(option.name for profile in profiles for option in profile.options)
    for name in given:
        if name not in (*_FIELDS, *options):
            allowed = f"any of the fields {', '.join([*_FIELDS, *options])}"
            yield FieldProblem(shortened(name, quoted=False), "unknown field", allowed)
    for name in _within(given):
        if name not in options:
            allowed = f"any of {', '.join(options)}" if options else "none: the profile has no options"
            yield FieldProblem(f"options.{shortened(name, quoted=False)}", "unknown option", allowed)


def _options(given: Mapping[str, Any], profile: Profile) -> tuple[dict[str, Value], list[FieldProblem]]:
    """The profile's options with their defaults, and the problems of those that were given; then no options."""
    within, options = _within(given), {option.name: option for option in profile.options}
    problems = [
        FieldProblem(name, "given twice", "once, in options or beside it")
        for name in options
        if name in given and name in within
    ]
    values = {**within, **given}
    problems += [problem for name, option in options.items() for problem in option.problems(values.get(name))]
    return ({} if problems else {name: option.read(values.get(name)) for name, option in options.items()}), problems


def _within(given: Mapping[str, Any]) -> Mapping[str, Any]:
    options = given.get("options")
    return options if isinstance(options, dict) else {}


def _one_of(choices: Iterable[str]) -> str:
    return "one of " + ", ".join(choices)


def read_audit_id(text: str | None, name: str = "audit_id") -> str:
    """An id of an audit or of a repair from a route, safe as part of a path. Raises ``BadRequestError``."""
    if text is None or not is_audit_id(text):
        allowed = f"an {name.replace('_', ' ')} such as 20260131-093000-1a2b3c4d"
        raise BadRequestError([FieldProblem(name, shortened(text), allowed)])
    return text


def read_choice(name: str, text: str | None, choices: tuple[str, ...], default: str | None) -> str | None:
    """A query parameter that must be one of ``choices``. Raises ``BadRequestError``."""
    if text is None:
        return default
    if text not in choices:
        raise BadRequestError([FieldProblem(name, shortened(text), _one_of(choices))])
    return text


def read_limit(text: str | None, default: int = DEFAULT_LIMIT) -> int:
    """The ``limit`` query parameter. Raises ``BadRequestError``."""
    if text is None:
        return default
    if not (text.isascii() and text.isdecimal() and len(text) < 6 and 1 <= int(text) <= MOST_SHOWN):  # noqa: PLR2004
        raise BadRequestError([FieldProblem("limit", shortened(text), f"a whole number from 1 to {MOST_SHOWN}")])
    return int(text)


def _read(kind: type[BodyT], body: bytes, allowed: Mapping[str, str]) -> BodyT:
    """A body as a model. Raises ``BadRequestError`` with all problems; ``allowed`` has their texts by field."""
    if len(body) > MOST_BODY_BYTES:
        raise BadRequestError([FieldProblem("body", shortened(f"{len(body)} bytes"), allowed["body"])])
    try:
        return kind.model_validate_json(body)
    except ValidationError as error:
        raise BadRequestError([_from_pydantic(item, allowed) for item in error.errors(include_url=False)]) from None


def _from_pydantic(item: Any, allowed: Mapping[str, str]) -> FieldProblem:
    location = [str(part) for part in item["loc"]]
    if not location:
        value = "not a JSON object" if item["type"] != "json_invalid" else "not JSON"
        return FieldProblem("body", shortened(value), allowed["body"])
    if item["type"] == "extra_forbidden":
        return FieldProblem(shortened(location[0], quoted=False), "unknown field", allowed["body"])
    value = "missing" if item["type"] == "missing" else shortened(item["input"])
    return FieldProblem(".".join(location), value, allowed[location[0]])
