import pytest

from reconciliation import errors
from reconciliation.errors import AuditError, BadRequestError, FieldProblem

ERRORS = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, AuditError)]


@pytest.mark.parametrize("kind", [kind for kind in ERRORS if kind is not AuditError])
def test_an_expected_failure_is_also_the_nearest_builtin(kind: type[AuditError]) -> None:
    builtin = next(base for base in kind.__mro__ if base.__module__ == "builtins")
    assert builtin not in {Exception, BaseException, object}


def test_only_what_may_pass_by_itself_is_tried_again() -> None:
    assert {kind.__name__ for kind in ERRORS if kind.retryable} == {
        "StorageUnavailableError",
        "ListingError",
        "DatabaseUnavailableError",
        "ApiUnavailableError",
    }


def test_a_bad_request_tells_all_its_problems_at_once() -> None:
    problems = [FieldProblem("since", "'x'", "a date"), FieldProblem("mode", "'y'", "full")]
    error = BadRequestError(problems)
    assert error.problems == problems
    assert str(error) == "since: 'x' is not allowed: a date; mode: 'y' is not allowed: full"
