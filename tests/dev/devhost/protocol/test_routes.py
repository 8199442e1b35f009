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
        ("api/number/{n:int}", None),
        ("api/number/{text}", None),
        ("api/ui/{*rest}", None),
        ("api/maybe/{first}/{second?}", None),
        ("api/page/{name=index}", None),
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
        ("GET", "/api/number/12", "api/number/{n:int}", {"n": "12"}),
        ("GET", "/api/number/twelve", "api/number/{text}", {"text": "twelve"}),
        ("GET", "/api/ui/css/site.css", "api/ui/{*rest}", {"rest": "css/site.css"}),
        ("GET", "/api/ui", "api/ui/{*rest}", {}),
        ("GET", "/api/maybe/1", "api/maybe/{first}/{second?}", {"first": "1"}),
        ("GET", "/api/maybe/1/2", "api/maybe/{first}/{second?}", {"first": "1", "second": "2"}),
        ("GET", "/api/page", "api/page/{name=index}", {"name": "index"}),
        ("HEAD", "/api/audits/x", "api/audits/{id}", {"id": "x"}),
    ],
)
def test_match(method: str, path: str, template: str, parameters: dict[str, str]) -> None:
    match = match_route(ROUTES, method, path)
    assert match is not None
    assert (match.target, match.parameters) == (template, parameters)


@pytest.mark.parametrize(
    ("method", "path"), [("DELETE", "/api/audits"), ("GET", "/"), ("GET", "/api/audits/x/y"), ("GET", "/api/maybe")]
)
def test_no_match(method: str, path: str) -> None:
    assert match_route(ROUTES, method, path) is None


@pytest.mark.parametrize("template", ["a/{x}.json", "a/{x:regex(b)}", "a/{x:date}"])
def test_templates_it_cannot_match_are_refused(template: str) -> None:
    with pytest.raises(RouteError):
        parse_route(template, None)
