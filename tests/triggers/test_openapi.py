import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from openapi_spec_validator import OpenAPIV31SpecValidator

import function_app
from adapters.enabled import enabled_profiles
from reconciliation.lifecycle import Phase, State
from reconciliation.outcome import Outcome
from triggers.openapi.document import document
from triggers.requests import read_audit_id, read_choice, read_limit

PROFILES = enabled_profiles({})
DOCUMENT = document([*PROFILES.values()])
SCHEMAS = DOCUMENT["components"]["schemas"]
OPERATIONS = {
    (method, path): operation for path, methods in DOCUMENT["paths"].items() for method, operation in methods.items()
}


def parameter(method: str, path: str, name: str) -> dict[str, Any]:
    [found] = [each for each in OPERATIONS[method, path]["parameters"] if each["name"] == name]
    schema: dict[str, Any] = found["schema"]
    return SCHEMAS[schema["$ref"].rpartition("/")[2]] if "$ref" in schema else schema


def test_the_document_is_valid_openapi() -> None:
    assert list(OpenAPIV31SpecValidator(DOCUMENT).iter_errors()) == []


def test_it_names_every_route_of_the_app_by_its_function_and_nothing_else() -> None:
    registered = {}
    for function in function_app.app.get_functions():
        trigger: Any = function.get_trigger()
        if trigger.get_binding_name() == "httpTrigger":
            for method in trigger.methods:
                key = (str(getattr(method, "value", method)).lower(), f"/{trigger.route}")
                registered[key] = function.get_function_name()
    assert {route: operation["operationId"] for route, operation in OPERATIONS.items()} == registered


@pytest.mark.parametrize("route", OPERATIONS, ids=" ".join)
def test_every_route_says_what_the_parameters_of_its_path_are(route: tuple[str, str]) -> None:
    in_path = {each["name"] for each in OPERATIONS[route].get("parameters", ()) if each["in"] == "path"}
    assert in_path == set(re.findall(r"\{(\w+)\}", route[1]))


@pytest.mark.parametrize("route", OPERATIONS, ids=" ".join)
def test_every_refusal_is_a_problem_document_except_the_hosts_own(route: tuple[str, str]) -> None:
    answers = OPERATIONS[route]["responses"]
    refusals = {status: answer for status, answer in answers.items() if status >= "400"}
    assert "content" not in refusals.pop("401", {})
    assert all("application/problem+json" in answer["content"] for answer in refusals.values())
    assert all("Cache-Control" in answer["headers"] for status, answer in answers.items() if status != "401")


def test_only_what_needs_no_key_is_never_refused_for_it() -> None:
    without = [route for route, operation in OPERATIONS.items() if "401" not in operation["responses"]]
    assert without == [route for route, operation in OPERATIONS.items() if operation.get("security") == []]
    assert without == [("get", "/health/live")]


def test_what_the_code_enumerates_is_what_the_document_enumerates() -> None:
    assert SCHEMAS["State"]["enum"] == [state.value for state in State]
    assert SCHEMAS["Phase"]["enum"] == [phase.value for phase in Phase]
    assert SCHEMAS["Mode"]["enum"] == [mode for profile in PROFILES.values() for mode in profile.modes]
    assert SCHEMAS["Outcome"]["enum"] == [outcome.to_json() for outcome in Outcome]
    assert SCHEMAS["ProfileName"]["enum"] == list(PROFILES)
    statuses = SCHEMAS["StartAudit"]["properties"]["statuses"]["anyOf"][0]["items"]["enum"]
    [option] = [each for each in PROFILES["pre-capture-sessions"].options if each.name == "statuses"]
    assert tuple(statuses) == option.choices


def test_every_component_is_used_and_every_reference_leads_to_one() -> None:
    used = set(re.findall(r'"#/components/schemas/(\w+)"', json.dumps(DOCUMENT)))
    assert used == set(SCHEMAS)


def accepts(schema: dict[str, Any], value: object) -> bool:
    return bool(Draft202012Validator(schema).is_valid(value))


def is_read(read: Any, *arguments: Any) -> bool:
    try:
        read(*arguments)
    except ValueError:
        return False
    return True


@given(st.text(max_size=30) | st.from_regex(SCHEMAS["AuditId"]["pattern"]))
def test_an_audit_id_is_described_as_it_is_read(text: str) -> None:
    # Where a text ends in a line break, the validator's own regular expressions are more lenient than ECMA's.
    described = accepts(parameter("get", "/audits/{audit_id}", "audit_id"), text) and not text.endswith("\n")
    assert described == is_read(read_audit_id, text)


@given(st.integers(-10, 300) | st.integers())
def test_a_limit_is_described_as_it_is_read(number: int) -> None:
    assert accepts(parameter("get", "/audits", "limit"), number) == is_read(read_limit, str(number))


@given(st.sampled_from(["json", "csv", "html", "JSON", "", "pdf"]))
def test_a_format_is_described_as_it_is_read(text: str) -> None:
    schema = parameter("get", "/audits/{audit_id}/report", "format")
    assert accepts(schema, text) == is_read(read_choice, "format", text, ("json", "csv", "html"), "json")
