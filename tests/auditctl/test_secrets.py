"""The function key reaches the service in a header, and nobody else in any way."""

import pytest

from tests.auditctl.conftest import Auditctl
from tests.auditctl.scripted_service import (
    AUDIT,
    AUDIT_ID,
    SOON,
    Reply,
    ScriptedService,
    accepted_document,
    audit_document,
    ended_document,
)

KEY = "Zm9yLWEtdGVzdC1vbmx5-not_a_real_key=="


@pytest.fixture(autouse=True)
def _a_key(service: ScriptedService, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUDITCTL_KEY", KEY)


def test_the_key_is_sent_as_a_header(service: ScriptedService, auditctl: Auditctl) -> None:
    service.on("GET", "/audits", Reply({"audits": []}))

    assert auditctl("list").code == 0
    assert service.asked[0].headers["x-functions-key"] == KEY
    assert service.asked[0].query == {}


def test_without_a_key_there_is_no_header(
    service: ScriptedService, auditctl: Auditctl, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AUDITCTL_KEY", " ")
    service.on("GET", "/audits", Reply({"audits": []}))

    assert auditctl("list").code == 0
    assert "x-functions-key" not in service.asked[0].headers


@pytest.mark.parametrize("words", [["watch", AUDIT_ID], ["run", "--wait"], ["list"], ["profiles"], ["health"]])
@pytest.mark.parametrize("as_json", [[], ["--json"]])
def test_a_service_that_echoes_the_key_does_not_get_it_printed(
    service: ScriptedService, auditctl: Auditctl, words: list[str], as_json: list[str]
) -> None:
    echo = f"key {KEY} and http://x/api?code=SECRETCODE&sig=SECRETSIG"
    summary = {"headline": echo, "counts": {echo: 1}}
    links = {"page": f"/api/ui?code={KEY}"}
    service.on("POST", "/audits", Reply(accepted_document() | {"links": links}, 202, SOON))
    ended = ended_document(1, "findings", summary=summary, links=links)
    service.on("GET", AUDIT, Reply(audit_document(phase=echo), headers=SOON), Reply(ended))
    service.on("GET", "/audits", Reply({"audits": [ended]}))
    service.on(
        "GET",
        "/profiles",
        Reply({"profiles": [{"name": echo, "options": [{"name": "statuses", "choices": [echo], "default": echo}]}]}),
    )
    service.on("GET", "/health", Reply({"status": echo, "checks": {echo: {"ok": True, "detail": echo}}}))

    ran = auditctl(*words, *(as_json if words[0] in ("watch", "run", "list") else []))

    shown = ran.out + ran.err
    assert "[removed]" in shown
    assert not any(secret in shown for secret in (KEY, "SECRETCODE", "SECRETSIG"))


@pytest.mark.parametrize("status", [400, 401, 409, 500, 503])
def test_a_refusal_that_echoes_the_key_does_not_get_it_printed(
    service: ScriptedService, auditctl: Auditctl, status: int
) -> None:
    errors = [{"field": KEY, "value": KEY, "allowed": [KEY]}]
    refusal = {"title": KEY, "detail": f"?code={KEY}", "errors": errors, "active_id": KEY}
    service.on("POST", "/audits", Reply(refusal, status))

    ran = auditctl("run")

    assert "[removed]" in ran.err
    assert KEY not in ran.out + ran.err


@pytest.mark.parametrize(
    "words", [["list", "--key", KEY], ["list", f"--key={KEY}"], ["list", f"-k{KEY}"], ["list", KEY]]
)
def test_a_key_on_the_command_line_is_refused_and_not_repeated(
    service: ScriptedService, auditctl: Auditctl, words: list[str]
) -> None:
    ran = auditctl(*words)

    assert ran.code == 2
    assert KEY not in ran.out + ran.err
    assert service.asked == []


@pytest.mark.parametrize(
    "url",
    [
        f"https://audit.example/api?code={KEY}",
        f"https://{KEY}:x@audit.example/api",
        f"https://audit.example/api#{KEY}",
        f"{KEY}",
        f"ftp://{KEY}",
        f"http://[{KEY}",
        f"http://audit.example:{KEY}/",
        f"https://audit.example/api/{KEY}",
    ],
)
@pytest.mark.parametrize("in_environment", [False, True])
def test_an_address_with_a_secret_is_refused_and_not_repeated(
    auditctl: Auditctl, monkeypatch: pytest.MonkeyPatch, url: str, in_environment: bool
) -> None:
    monkeypatch.setenv("AUDITCTL_URL", url)

    ran = auditctl("list") if in_environment else auditctl("list", "--url", url)

    assert ran.code == 2
    assert f"where: {'AUDITCTL_URL' if in_environment else '--url'}" in ran.err
    assert KEY not in ran.err


def test_a_key_is_not_sent_unencrypted_to_another_machine(auditctl: Auditctl) -> None:
    ran = auditctl("--url", "http://audit.example/api", "list")

    assert ran.code == 2
    assert "would travel unencrypted" in ran.err


@pytest.mark.parametrize("key", ["two\nlines", "schlüssel"])
def test_a_key_that_no_header_can_carry_is_refused(
    service: ScriptedService, auditctl: Auditctl, monkeypatch: pytest.MonkeyPatch, key: str
) -> None:
    monkeypatch.setenv("AUDITCTL_KEY", key)

    ran = auditctl("list")

    assert ran.code == 2
    assert key not in ran.err
    assert service.asked == []


def test_redirects_do_not_carry_the_key_away(service: ScriptedService, auditctl: Auditctl) -> None:
    service.on("GET", "/audits", Reply({"audits": []}, 302, {"location": f"{service.url}/elsewhere"}))

    assert auditctl("list").code == 4
    assert len(service.asked) == 1


def test_the_proxy_of_the_environment_is_not_asked_for_this_machine(
    service: ScriptedService, auditctl: Auditctl, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.delenv("NO_PROXY", raising=False)
    service.on("GET", "/audits", Reply({"audits": []}))

    assert auditctl("list").code == 0
