"""The templates, and the escaping of all values in them."""

from collections.abc import Callable, Iterable
from functools import cache, lru_cache
from html import escape
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from reconciliation.showing import Form, Part
from reconciliation.visible import visible
from reconciliation.wording import plural
from reporting.policy import CONTENT_SECURITY_POLICY, SCRIPT, STYLE
from reporting.sizes import size, thousands

_TEMPLATES = Path(__file__).parent / "templates"
_OWN = {"style": STYLE, "script": SCRIPT, "policy": CONTENT_SECURITY_POLICY}


def written(value: object) -> Markup:
    """A value as safe HTML: escaped, unless it is ``Markup``, and with all characters visible. No other code escapes.

    Raises ``jinja2.UndefinedError`` for a variable that a template was not given.
    """
    return value if isinstance(value, Markup) else _escaped(str(value))


@lru_cache(maxsize=4096)  # a page says the same titles, words and moments in each of its findings
def _escaped(text: str) -> Markup:
    return Markup(escape(visible(text)))  # noqa: S704 - it is escaped


def moment(value: str | None) -> Markup:
    """``2026-01-31 09:30 UTC``; the exact moment stays in the element's attribute."""
    if value is None:
        return written("unknown")
    exact, day, time = _escaped(value), _escaped(value[:10]), _escaped(value[11:16])
    return Markup(f'<time datetime="{exact}">{day} {time} UTC</time>')  # noqa: S704 - all of it is escaped


def sentence(parts: Iterable[Part]) -> Markup:
    """The parts of a profile's sentence, each in its form."""
    return Markup("".join([_FORMS[form](value) for value, form in parts]))  # noqa: S704 - all of it is escaped


_FORMS: dict[Form, Callable[[Any], str]] = {
    Form.TEXT: written,
    Form.CODE: lambda value: f"<code>{written(value)}</code>",
    Form.MOMENT: moment,
    Form.NUMBER: lambda count: written(thousands(count)),
    Form.BYTES: lambda count: written(size(count)),
}
_FILTERS = {"thousands": thousands, "plural": plural, "moment": moment, "sentence": sentence}


@cache
def environment() -> Environment:
    """The templates, all of them compiled.

    None of Jinja's own filters is available, since some of them, ``safe`` above all, bypass ``written``.
    """
    made = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        finalize=written,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        auto_reload=False,
    )
    made.filters = dict(_FILTERS)
    made.globals = {name: Markup(text) for name, text in _OWN.items()}  # noqa: S704 (nothing from outside)
    for name in made.list_templates():
        made.get_template(name)
    return made


def rendered(template: str, **values: object) -> str:
    return environment().get_template(template).render(values)
