import pytest

from dev.devhost.protocol.routes import RouteError, match_route, parse_route

ROUTES = [
    parse_route(template, template, methods)
    for template, methods in (
        ("api/audits", frozenset({"POST"})),
        ("api/audits/", frozenset({"GET"})),
        ("api/audits/{id}", None),
        ("api/audits/{id}/report", None),
        ("api/audits/newest", None),
    )
]


@pytest.mark.parametrize(
    ("method", "path", "template", "parameters"),
    [
        ("POST", "/api/audits", "api/audits", {}),
        ("GET", "/api/audits", "api/audits/", {}),
        ("GET", "/API/Audits/newest", "api/audits/newest", {}),  # literals win, and ignore case
        ("GET", "/api/audits/a%20b", "api/audits/{id}", {"id": "a b"}),
        ("GET", "/api/audits/..%2fsecret", "api/audits/{id}", {"id": "..%2Fsecret"}),
        ("GET", "/api/audits/x/report/", "api/audits/{id}/report", {"id": "x"}),
        ("HEAD", "/api/audits/x", "api/audits/{id}", {"id": "x"}),
    ],
)
def test_match(method: str, path: str, template: str, parameters: dict[str, str]) -> None:
    match = match_route(ROUTES, method, path)
    assert match is not None
    assert (match.target, match.parameters) == (template, parameters)


@pytest.mark.parametrize(("method", "path"), [("DELETE", "/api/audits"), ("GET", "/"), ("GET", "/api/audits/x/y")])
def test_no_match(method: str, path: str) -> None:
    assert match_route(ROUTES, method, path) is None


@pytest.mark.parametrize("template", ["a/{x}.json", "a/{x:int}", "a/{x?}", "a/{x=index}", "a/{*rest}"])
def test_templates_it_does_not_match_are_refused(template: str) -> None:
    with pytest.raises(RouteError, match=r"does not serve the route segment .* Use 'func start'"):
        parse_route(template, None)
