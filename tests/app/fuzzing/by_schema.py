"""Schemathesis: requests made from the OpenAPI document, right and wrong ones, and its own checks of the answers."""

from collections.abc import Sequence
from typing import Any
from unittest import SkipTest

import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.errors import Unsatisfiable
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import FailureGroup
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.app.fuzzing.judging import Asked, Judge

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    negative_data_rejection,
]


class BySchema:
    """The routes of the document, each tried with right and with wrong requests."""

    def __init__(self, url: str, judge: Judge, audit_ids: Sequence[str], repair_ids: Sequence[str]) -> None:
        assert url.startswith("http://127.0.0.1:"), "only an app on this machine may be asked"
        self._url = url
        self._judge = judge
        self._ids = {"audit_id": audit_ids, "repair_id": repair_ids}
        self._session = requests.Session()
        schema = schemathesis.openapi.from_dict(judge.description.document)
        self._operations: list[Any] = [_sound(found) for found in schema.get_all_operations()]

    def try_out(self, examples: int, round_: int) -> None:
        """Send up to so many requests for every route, mode and kind of id."""
        for operation in self._operations:
            named = {name: ids for name, ids in self._ids.items() if f"{{{name}}}" in operation.path}
            known = {name: ids[round_ % len(ids)] for name, ids in named.items()}
            for mode in GenerationMode:
                self._generate(operation.as_strategy(generation_mode=mode), examples, round_)
                if known:
                    self._generate(operation.as_strategy(generation_mode=mode, path_parameters=known), examples, round_)

    def close(self) -> None:
        self._session.close()

    def _generate(self, cases: Any, examples: int, round_: int) -> None:
        @seed(round_)
        @settings(
            max_examples=examples,
            database=None,
            deadline=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(cases)
        def tried(case: Any) -> None:
            self._send(case)

        try:
            tried()
        except (Unsatisfiable, SkipTest):
            return  # a route without anything that could be wrong

    def _send(self, case: Any) -> None:
        prepared = requests.Request(**case.as_transport_kwargs(base_url=self._url)).prepare()
        asked = Asked(case.method, (prepared.url or "").removeprefix(self._url), _bytes(prepared.body))
        try:
            response = case.call(base_url=self._url, session=self._session)
        except requests.RequestException as error:
            self._judge.no_answer(asked, repr(error))
            return
        headers = {name.lower(): ", ".join(values) for name, values in response.headers.items()}
        self._judge.look(asked, response.status_code, headers, response.content)
        try:
            case.validate_response(response, checks=CHECKS)
        except FailureGroup as group:
            for failure in group.exceptions:
                self._judge.tally.undocumented.append(f"{asked}: {type(failure).__name__} {str(failure)[:300]}")


def _sound(found: Any) -> Any:
    return found.ok()


def _bytes(body: Any) -> bytes:
    return body.encode() if isinstance(body, str) else body if isinstance(body, bytes) else b""
