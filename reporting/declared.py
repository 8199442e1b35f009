"""The models of reports, narrowed to what profiles declare: words, places, options and facts."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import reduce
from operator import or_
from types import GenericAlias
from typing import Annotated, Any

from pydantic import ConfigDict, Discriminator, Field, Tag, WithJsonSchema
from typing_extensions import TypeAliasType

from reconciliation.options import Option
from reconciliation.profile import Connection, Profile, Setting, Technology
from reconciliation.rules import Kind, Rule
from reporting.documents import (
    AuditMade,
    Counted,
    Counts,
    Finding,
    KindName,
    Mode,
    Parameters,
    ProfileName,
    Report,
    Subject,
    Verdict,
    VerdictGiven,
)
from reporting.shapes import Closed, Count, Members, Model, Narrowing, Said, literal, plain

DIALECT = "https://json-schema.org/draft/2020-12/schema"


class Database(Closed):
    """A database; null is what the setting leaves out."""

    host: Said | None
    name: Said | None


class _AnyFinding(Finding):
    """What is said of one subject, and facts that its profile does not describe."""

    model_config = ConfigDict(extra="allow")


def names_of(profiles: Sequence[Profile]) -> dict[Any, Any]:
    """The types of names and words that replace the general ones, for these profiles."""
    verdicts = [rule.verdict for profile in profiles for _, rule in profile.verdicts()]
    return {
        ProfileName: _named("ProfileName", [profile.name for profile in profiles]),
        Mode: _named("Mode", [mode for profile in profiles for mode in profile.modes]),
        KindName: _named("KindName", [kind.name for profile in profiles for kind in profile.kinds]),
        Verdict: _named("Verdict", verdicts),
    }


def narrowed_to(profile: Profile, names: Mapping[Any, Any] | None = None, suffix: str = "") -> Narrowing:
    """The replacements of types for one profile. With several profiles, ``names`` are the types for all of them, and
    ``suffix`` makes the names of this one's models unique.
    """
    kinds, verdicts = [kind.name for kind in profile.kinds], [rule.verdict for _, rule in profile.verdicts()]
    own = {KindName: _named(f"KindName{suffix}", kinds), Verdict: _named(f"Verdict{suffix}", verdicts)}
    narrowing = Narrowing(suffix, {**(names or names_of([profile])), **own})
    of_profile = {
        AuditMade: narrowing.model(AuditMade, **places(profile)),
        Parameters: narrowing.model(Parameters, **{one.name: _option(one) for one in profile.options}),
        Counts: narrowing.model(Counts, **dict(_counts(profile, narrowing))),
        Counted: narrowing.model(Counted, **{profile.kinds[0].name: _counted(profile.kinds[0])}),
        VerdictGiven: _one_of(_given(kind, narrowing) for kind in profile.kinds),
        Finding: _one_of(_finding(kind, narrowing) for kind in profile.kinds if _shown_rules(kind)),
    }
    narrowing.instead.update(of_profile)
    return narrowing


def report_of(profile: Profile) -> Model:
    """The model of one profile's reports."""
    return narrowed_to(profile).model(Report)


def report_schema(profile: Profile) -> dict[str, Any]:
    schema: dict[str, Any] = plain(report_of(profile).model_json_schema())
    version = schema["properties"]["schema_version"]["const"]
    title = f"report.json of capture-audit, schema version {version}, profile {profile.name}"
    return {"$schema": DIALECT, "title": title, **schema}


def _named(name: str, words: Sequence[str]) -> Any:
    schema = WithJsonSchema({"type": "string", "enum": list(dict.fromkeys(words))})
    return TypeAliasType(name, Annotated[literal(*words), schema])


def places(profile: Profile) -> Members:
    """The members of a report that name the places: one for each connection, and for each setting of the profile."""
    given: Members = {one.shown: _setting(one) for one in profile.settings if one.shown}
    return {one.shown: _place(one) for one in profile.connections} | given


_NOUNS = {
    Technology.STORAGE: "storage account",
    Technology.DATABASE: "database",
    Technology.BUCKET: "bucket",
    Technology.API: "API",
}


def _place(one: Connection) -> tuple[Any, Any]:
    place: Any = Database if one.of is Technology.DATABASE else Said
    of = _NOUNS[one.of]
    without = "" if one.needed else "; null where it is not given"
    return place if one.needed else place | None, Field(description=f"The {of} that {one.setting} names{without}.")


def _setting(one: Setting) -> tuple[Any, Any]:
    may_be_empty = one.default == ""
    without = " Empty where there is none." if may_be_empty else ""
    return str if may_be_empty else Said, Field(description=f"{one.means}{without}")


def text_of(option: Option) -> Any:
    """The type of one text of an option."""
    return literal(*option.choices) if option.choices else Annotated[str, Field(pattern=f"^{option.form}$")]


def value_of(option: Option) -> Any:
    """The type of an option's value."""
    if option.is_number:
        return Annotated[int, Field(ge=option.least, le=option.most)]
    text, limits = text_of(option), Field(min_length=option.least, max_length=option.most)
    if option.is_list:
        return Annotated[GenericAlias(list, (text,)), limits]
    return (text if option.choices else Annotated[text, limits]) | None


def _option(option: Option) -> tuple[Any, Any]:
    return value_of(option), Field(description=option.means)


def _counts(profile: Profile, narrowing: Narrowing) -> Iterator[tuple[str, Any]]:
    for kind in profile.kinds:
        of_kind: Members = {rule.verdict: (Count, Field(description=rule.means)) for rule in kind.verdicts()}
        counts = narrowing.model(Closed, f"{_title(kind)}Counts", **of_kind)
        yield kind.name, (counts, Field(description=f"Every {kind.noun} that got a verdict, by verdict."))


def _counted(kind: Kind[Any]) -> tuple[Any, Any]:
    verdicts = [rule.verdict for rule in kind.verdicts() if rule.counted]
    what = f"The ids of each {kind.noun} that is only counted, by verdict."
    return GenericAlias(dict, (literal(*verdicts), GenericAlias(list, (_id(kind),)))), Field(description=what)


def _given(kind: Kind[Any], narrowing: Narrowing) -> tuple[str, Model]:
    own: Members = {"subject": (literal(kind.name), Field()), "verdict": _verdicts(kind.verdicts())}
    return kind.name, narrowing.model(VerdictGiven, f"{_title(kind)}Verdict", **own)


def _finding(kind: Kind[Any], narrowing: Narrowing) -> tuple[str, Model]:
    of_kind: Members = {"kind": (literal(kind.name), Field()), "id": (_id(kind), Field())}
    subject = narrowing.model(Subject, f"{_title(kind)}Subject", **of_kind)
    shown: Members = {name: (Any, Field()) for name in kind.fields}
    if kind.shape:
        shown = narrowing.shape(kind.shape)
    own: Members = {"subject": (subject, Field()), "verdict": _verdicts(_shown_rules(kind))}
    base = Finding if shown else _AnyFinding
    return kind.name, narrowing.model(base, f"{_title(kind)}Finding", **own, **shown)


def _verdicts(rules: Iterable[Rule[Any]]) -> tuple[Any, Any]:
    return literal(*(rule.verdict for rule in rules)), Field()


def _shown_rules(kind: Kind[Any]) -> list[Rule[Any]]:
    return [rule for rule in kind.verdicts() if not rule.counted]


def _id(kind: Kind[Any]) -> Any:
    return Annotated[str, Field(pattern=kind.ids)] if kind.ids else Said


def _title(kind: Kind[Any]) -> str:
    return "".join(word.capitalize() for word in kind.name.split("_"))


def _one_of(models: Iterable[tuple[str, Model]]) -> Any:
    """A union of the models, discriminated by the kind of their subject."""
    tagged = [Annotated[model, Tag(kind)] for kind, model in models]
    return Annotated[reduce(or_, tagged), Discriminator(_kind_of)] if len(tagged) > 1 else tagged[0]


def _kind_of(value: Any) -> str | None:
    subject = value.get("subject") if isinstance(value, dict) else None
    kind = subject.get("kind") if isinstance(subject, dict) else subject
    return kind if isinstance(kind, str) else None
