"""The templates, and the one way in which a value gets into a page."""

from functools import cache
from html import escape
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from jinja2.compiler import CodeGenerator
from jinja2.ext import Extension
from jinja2.nodes import Node
from jinja2.parser import Parser
from markupsafe import Markup

from reconciliation.visible import visible
from reconciliation.wording import plural
from reporting.policy import CONTENT_SECURITY_POLICY, SCRIPT, STYLE
from reporting.sizes import size, thousands

_TEMPLATES = Path(__file__).parent / "templates"
_OWN = {"style": STYLE, "script": SCRIPT, "policy": CONTENT_SECURITY_POLICY}
_FILTERS = {"thousands": thousands, "size": size, "plural": plural}


def written(value: object) -> str:
    """What a page holds of a value: no markup but a template's own, and nothing hidden. No other code escapes.

    Raises ``jinja2.UndefinedError`` for what a template was not given.
    """
    return value if isinstance(value, Markup) else escape(visible(str(value)))


class _Generator(CodeGenerator):
    """Writes ``written(value)`` for a value. Jinja would escape that once more, which takes three times as long."""

    def _output_child_pre(self, *_of: Any) -> None:
        self.write("environment.finalize(")

    def _output_child_post(self, *_of: Any) -> None:
        self.write(")")


class _Inline(Extension):
    """``{% inline "part.html" %}``: as if what that file holds were written here, names included.

    It costs nothing when a page is made, while a macro costs as much as some twenty values.
    """

    tags = {"inline"}  # noqa: RUF012 (as Jinja declares it)

    def parse(self, parser: Parser) -> list[Node]:
        """The nodes of that file."""
        next(parser.stream)
        name = parser.parse_expression().as_const()
        return self.environment.parse((_TEMPLATES / name).read_text(encoding="utf-8"), name).body


@cache
def environment() -> Environment:
    """The templates, each compiled when it is first used.

    They have none of Jinja's filters: some of them, ``safe`` above all, let a text pass by ``written``.
    """
    made = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        finalize=written,
        undefined=StrictUndefined,
        extensions=[_Inline],
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        auto_reload=False,
    )
    made.code_generator_class = _Generator
    made.filters = dict(_FILTERS)
    made.globals = {name: Markup(text) for name, text in _OWN.items()}  # noqa: S704 (nothing from outside)
    return made


def rendered(template: str, **values: object) -> str:
    """A template with these values in it."""
    return environment().get_template(template).render(values)
