"""The schemas of the API's documents, generated from their models and narrowed to what the enabled profiles declare."""

from collections.abc import Mapping, Sequence
from functools import reduce
from operator import or_
from types import GenericAlias
from typing import Annotated, Any

from pydantic import ConfigDict, Field, TypeAdapter, create_model
from typing_extensions import TypeAliasType

from reconciliation.options import Option
from reconciliation.profile import Profile
from reporting.declared import names_of, narrowed_to, places, text_of, value_of
from reporting.documents import Mode, Parameters, ProfileName, Report
from reporting.shapes import Closed, Count, Members, Model, Narrowing, plain
from triggers import documents, requests
from triggers.documents import Summary

Schema = dict[str, Any]
Profiles = Sequence[Profile]
REF = "#/components/schemas/{model}"
_RESPONSES: tuple[Model, ...] = (
    documents.Audit,
    documents.Audits,
    documents.Accepted,
    documents.Cancelled,
    documents.DeadLetters,
    documents.Profiles,
    documents.Health,
    documents.Live,
    documents.RepairWhole,
    documents.RepairInShort,
    documents.ExportedRepair,
    documents.PseudonymGiven,
    documents.Repairs,
    documents.AcceptedRepair,
    documents.Policies,
    documents.Policy,
    documents.PolicyNotPaused,
    documents.RepairBusy,
    documents.RepairNotSo,
    documents.NothingToRepair,
    documents.Forbidden,
    documents.BadRequest,
    documents.NotFound,
    documents.Busy,
    documents.NothingToDo,
    documents.NoReport,
    documents.Broken,
    documents.Unavailable,
)


def ref(name: str) -> Schema:
    """A reference to a schema of the document's components."""
    return {"$ref": REF.format(model=name)}


def models_of(profiles: Profiles) -> dict[Model, Any]:
    """The models of all responses, for an app that audits these profiles."""
    return _response_models(_narrowed_to(profiles))


def components(profiles: Profiles) -> dict[str, Schema]:
    """All components of the document, for an app that audits these profiles."""
    narrowing = _narrowed_to(profiles)
    bodies = (
        requests.DiscardDeadLetters,
        requests.ProposeRepair,
        requests.DecideRepair,
        requests.ResumePolicy,
        requests.AskRepair,
        requests.PseudonymOfRepair,
    )
    models = [*_response_models(narrowing).values(), _start_audit(profiles, narrowing), *bodies]
    inputs: list[Any] = [(model, "validation", TypeAdapter(model)) for model in models]
    _, schema = TypeAdapter.json_schemas(inputs, ref_template=REF)
    found: dict[str, Schema] = plain(schema["$defs"])
    return found


def _response_models(narrowing: Narrowing) -> dict[Model, Any]:
    models: tuple[Model, ...] = (Report, documents.Summary, *_RESPONSES)
    return {model: narrowing.of(model) for model in models}


def _narrowed_to(profiles: Profiles) -> Narrowing:
    """The replacements of types for these profiles; with several, unions of what differs between them."""
    if len(profiles) == 1:
        return _of_one(profiles[0])
    names = names_of(profiles)
    each = [_of_one(profile, names, f"Of{profile.name.title().replace('-', '')}") for profile in profiles]
    any_of = {
        model: TypeAliasType(model.__name__, reduce(or_, [one.of(model) for one in each]))
        for model in (Parameters, Summary, Report)
    }
    return Narrowing("", names | any_of)


def _of_one(profile: Profile, names: Mapping[Any, Any] | None = None, suffix: str = "") -> Narrowing:
    narrowing, first = narrowed_to(profile, names, suffix), profile.kinds[0]
    subjects: Members = {f"{first.noun}s": (Count, Field(description=f"Each {first.noun} that got a verdict."))}
    narrowing.instead[Summary] = narrowing.model(Summary, **places(profile), **subjects)
    return narrowing


class _StartAudit(requests.StartAudit):
    model_config = ConfigDict(extra="forbid")


def _start_audit(profiles: Profiles, narrowing: Narrowing) -> Model:
    named: dict[str, list[Option]] = {}
    for option in (option for profile in profiles for option in profile.options):
        named.setdefault(option.name, []).append(option)
    own: Members = {
        name: _not_required(
            reduce(or_, map(_option_type, options)), " ".join(dict.fromkeys(one.means for one in options))
        )
        for name, options in named.items()
    }
    beside: Members = {name: _not_required(taken, "As in options.") for name, (taken, _) in own.items()}
    members: Members = {
        "profile": _not_required(narrowing.of(ProfileName), "The first profile unless it is given."),
        "mode": _not_required(narrowing.of(Mode), "The profile's first unless it is given."),
        "options": _not_required(
            create_model("Options", __base__=Closed, **own), "What only this profile can be asked."
        ),
        "only": _not_required(_keys(profiles), "Only these."),
        **beside,
    }
    made: Model = create_model("StartAudit", __base__=_StartAudit, __doc__=requests.StartAudit.__doc__, **members)
    return made


def _not_required(taken: Any, means: str) -> tuple[Any, Any]:
    return taken, Field(default_factory=lambda: None, description=means)


def _option_type(option: Option) -> Any:
    """The type of an option in a request: a single text is read as a list of one, digits as a number, null as the
    default.
    """
    if option.is_number:
        return value_of(option) | Annotated[str, Field(pattern="^[0-9]{1,9}$")] | None
    return value_of(option) | text_of(option) | None if option.is_list else value_of(option)


def _keys(profiles: Profiles) -> Any:
    forms = [profile.only.form for profile in profiles if profile.only is not None]
    keys = [Annotated[str, Field(pattern=f"^{form}$")] for form in dict.fromkeys(forms)]
    return Annotated[GenericAlias(list, (reduce(or_, keys) if keys else str,)), Field(max_length=requests.MOST_KEYS)]
