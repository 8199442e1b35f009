"""What a template's author may forget and still not let a text from outside into a page as markup."""

import re
from html import escape, unescape
from pathlib import Path

import pytest
from hypothesis import given
from jinja2 import TemplateAssertionError, UndefinedError, nodes

from reconciliation.showing import Form, Part
from reconciliation.visible import visible
from reporting import layout
from reporting.layout import environment, written
from tests.profiles.pre_capture_sessions.strategies import texts

HOSTILE = "'\"><b>&amp;\u202e\n"
SHOWN = "&#x27;&quot;&gt;&lt;b&gt;&amp;amp;\\u202e\\u000a"
NAMES = sorted(path.name for path in (Path(layout.__file__).parent / "templates").iterdir())

# Whatever puts texts together before they are written: next to markup, a text would count as markup.
JOINING = (nodes.Concat, nodes.Add, nodes.Mul, nodes.Mod, nodes.FilterBlock, nodes.ScopedEvalContextModifier)


def of(source: str, **values: object) -> str:
    return environment().from_string(source).render(values)


@pytest.mark.parametrize(
    "source",
    [
        "{{ x }}",
        '<a title="{{ x }}">',
        "{% set y = x %}{{ y }}",
        "{% set y %}{{ x }}{% endset %}{{ y }}",
        "{% macro m(y) %}{{ y }}{% endmacro %}{{ m(x) }}",
        "{% macro m() %}{{ caller() }}{% endmacro %}{% call m() %}{{ x }}{% endcall %}",
        "{% for y in [x] %}{{ y }}{% endfor %}",
        "{{ x if x else 1 }}",
        "{{ x or 1 }}",
        "{{ x ~ x }}",
        "{{ {'a': x}.a }}",
        "{% autoescape false %}{{ x }}{% endautoescape %}",
    ],
)
def test_a_value_is_shown_and_escaped_once_wherever_it_is_written(source: str) -> None:
    html = of(source, x=HOSTILE)
    assert html.count(SHOWN) == (2 if "~" in source else 1)
    assert "<b>" not in html


@given(texts())
def test_any_text_comes_back_as_what_can_be_seen_of_it(text: str) -> None:
    html = of("{{ x }}", x=text)
    assert html == escape(visible(text)) == written(text)
    assert unescape(html) == visible(text)


@pytest.mark.parametrize("name", ["safe", "e", "escape", "forceescape", "tojson", "urlize", "xmlattr", "striptags"])
def test_no_filter_lets_a_text_pass(name: str) -> None:
    with pytest.raises(TemplateAssertionError, match="No filter named"):
        of(f"{{{{ x | {name} }}}}", x=HOSTILE)


@pytest.mark.parametrize("source", ["{{ x }}", "{{ y.x }}", "{% if x %}{% endif %}", "{% for z in x %}{% endfor %}"])
def test_what_a_template_was_not_given_is_an_error(source: str) -> None:
    with pytest.raises(UndefinedError):
        of(source, y={})


@pytest.mark.parametrize("name", NAMES)
def test_no_template_puts_texts_together_before_they_are_written(name: str) -> None:
    source = (Path(layout.__file__).parent / "templates" / name).read_text(encoding="utf-8")
    assert [node for kind in JOINING for node in environment().parse(source).find_all(kind)] == []


@pytest.mark.parametrize("name", NAMES)
def test_every_template_can_be_compiled_and_quotes_its_attributes(name: str) -> None:
    environment().get_template(name)
    source = (Path(layout.__file__).parent / "templates" / name).read_text(encoding="utf-8")
    unquoted = re.findall(r"\b[a-z-]+=\{\{.*?\}\}", source)
    assert unquoted == ["class={{ line.style }}"] * (name == "proof.html")  # words of ours


def test_the_parts_of_a_sentence_are_written_each_in_its_form() -> None:
    parts = [Part("<b>", Form.CODE), Part(" & "), Part(1_234, Form.NUMBER), Part(" "), Part(1_500, Form.BYTES)]
    assert of("{{ parts | sentence }}", parts=parts) == "<code>&lt;b&gt;</code> &amp; 1,234 1.5 kB"
    moments = [Part("2026-01-31T09:30:00Z<", Form.MOMENT), Part(None, Form.MOMENT)]
    html = '<time datetime="2026-01-31T09:30:00Z&lt;">2026-01-31 09:30 UTC</time>unknown'
    assert of("{{ parts | sentence }}", parts=moments) == html


def test_environment_and_templates_are_made_once() -> None:
    assert environment() is environment()
    assert environment().get_template("page.html") is environment().get_template("page.html")


@pytest.mark.parametrize(
    ("value", "html"),
    [
        ("2026-01-31T09:30:00Z", '<time datetime="2026-01-31T09:30:00Z">2026-01-31 09:30 UTC</time>'),
        (None, "unknown"),
    ],
)
def test_a_moment_keeps_its_seconds_out_of_sight(value: str | None, html: str) -> None:
    assert of("{{ x | moment }}", x=value) == html
