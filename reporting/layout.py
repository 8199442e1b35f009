"""The templates, and the escaping of all values in them."""

from functools import cache, lru_cache
from html import escape
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from reconciliation.visible import visible
from reconciliation.wording import plural
from reporting.policy import CONTENT_SECURITY_POLICY, SCRIPT, STYLE
from reporting.sizes import size, thousands

_TEMPLATES = Path(__file__).parent / "templates"
_OWN = {"style": STYLE, "script": SCRIPT, "policy": CONTENT_SECURITY_POLICY}
_FILTERS = {"thousands": thousands, "size": size, "plural": plural}


def written(value: object) -> Markup:
    """A value as safe HTML: escaped, unless it is ``Markup``, and with all characters visible. No other code escapes.

    Raises ``jinja2.UndefinedError`` for a variable that a template was not given.
    """
    return value if isinstance(value, Markup) else _escaped(str(value))


@lru_cache(maxsize=4096)  # a page says the same titles, words and moments in each of its findings
def _escaped(text: str) -> Markup:
    return Markup(escape(visible(text)))  # noqa: S704 - it is escaped


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
