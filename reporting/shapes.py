"""The building blocks of the documents' models, and how they are narrowed to what profiles declare."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import reduce
from operator import or_
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints, is_typeddict

from pydantic import BaseModel, ConfigDict, Field, create_model
from pydantic.fields import FieldInfo
from typing_extensions import TypeAliasType

from reconciliation import shapes
from reconciliation.shapes import Form

Model = type[BaseModel]
Members = dict[str, Any]
"""The members of a model by name, each a type and a ``FieldInfo``."""


class Closed(BaseModel):
    """A JSON object with these members and no others, all of which are there."""

    model_config = ConfigDict(extra="forbid", strict=True, use_attribute_docstrings=True, regex_engine="python-re")


def _field(by: Any) -> Any:
    """The pydantic equivalent of an annotation of a shape: a text is a description."""
    if isinstance(by, str):
        return Field(description=by)
    if isinstance(by, Form):
        extra: dict[str, Any] | None = {"format": by.format} if by.format else None
        return Field(pattern=by.pattern, ge=by.least, json_schema_extra=extra)
    return by


Count = Annotated[int, Field(ge=0)]
Said = Annotated[str, Field(min_length=1)]
_UTC: Form = get_args(shapes.Moment)[1]
Moment = TypeAliasType("Moment", Annotated[str, _field(_UTC), Field(description="A moment in UTC.")])
_TERMS: dict[Any, Any] = {shapes.Moment: Moment, shapes.Count: Count}
"""The pydantic equivalents of the engine's types."""


def literal(*words: str) -> Any:
    """The type of a text that is one of these words, each once; of any text if there are none."""
    return Literal[tuple(dict.fromkeys(words))] if words else str


@dataclass(frozen=True)
class Narrowing:
    """Models for some profiles: each type in ``instead`` is replaced, at any depth, and the models that are changed by
    that have ``suffix`` after their names.
    """

    suffix: str = ""
    instead: dict[Any, Any] = field(default_factory=dict)

    def of(self, annotation: Any) -> Any:
        """The replacement of a type, or the model of a shape that a profile declares."""
        if annotation in _TERMS:
            return _TERMS[annotation]
        origin, inner = get_origin(annotation), get_args(annotation)
        if origin is None or origin is Literal:
            return self._plain(annotation)
        if origin is Annotated:
            return Annotated[(self.of(inner[0]), *map(_field, inner[1:]))]
        taken = tuple(map(self.of, inner))
        return reduce(or_, taken) if origin in (Union, UnionType) else origin[taken]

    def _plain(self, annotation: Any) -> Any:
        if annotation not in self.instead and isinstance(annotation, type):
            if issubclass(annotation, BaseModel):
                self.instead[annotation] = self.model(annotation)
            elif is_typeddict(annotation):
                self.instead[annotation] = self._made(
                    annotation.__name__, Closed, annotation.__doc__, self.shape(annotation)
                )
        return self.instead.get(annotation, annotation)

    def model(self, model: Model, name: str | None = None, /, **more: Any) -> Model:
        """A model with the replaced types, and with ``more`` members, which may override its own; the model itself if
        nothing changes.
        """
        types = {member: self.of(info.annotation) for member, info in model.model_fields.items() if member not in more}
        other: Members = {
            member: _as_it_was(taken, model.model_fields[member])
            for member, taken in types.items()
            if taken != model.model_fields[member].annotation
        }
        return self._made(name or model.__name__, model, model.__doc__, other | more) if other or more else model

    def shape(self, declared: type) -> Members:
        return {name: (self.of(hint), Field()) for name, hint in get_type_hints(declared, include_extras=True).items()}

    def _made(self, name: str, base: Model, doc: str | None, members: Mapping[str, Any]) -> Model:
        # What is said of each member is given: no source text is searched for it, which takes most of the time.
        no_search = {"use_attribute_docstrings": False}
        made: Model = create_model(
            f"{name}{self.suffix}", __base__=base, __doc__=doc, __cls_kwargs__=no_search, **members
        )
        return made


def _as_it_was(taken: Any, info: FieldInfo) -> tuple[Any, Any]:
    """A member with another type, and the same metadata and description."""
    return Annotated[(taken, *info.metadata)] if info.metadata else taken, Field(description=info.description)


def plain(schema: Any) -> Any:
    """A schema with each description on one line, and without the titles that pydantic makes of names."""
    if isinstance(schema, dict):
        texts = {name for name in ("title", "description") if isinstance(schema.get(name), str)}
        described = {"description": " ".join(schema["description"].split())} if "description" in texts else {}
        return {name: plain(part) for name, part in schema.items() if name not in texts} | described
    return [plain(part) for part in schema] if isinstance(schema, list) else schema
