"""A request may say anything of its host; no answer sends anybody there."""

import httpx
import pytest

from tests.app.world import Api

EVIL = "evil.example"
FORGED = [
    {"Host": EVIL},
    {"X-Forwarded-Host": EVIL, "X-Forwarded-Proto": "https", "X-Original-Host": EVIL},
    {"Forwarded": f"host={EVIL};proto=https"},
    {"Host": f"{EVIL}@127.0.0.1", "X-Forwarded-Prefix": f"//{EVIL}"},
]


@pytest.mark.parametrize("forged", FORGED, ids=", ".join)
def test_a_forged_host_is_in_no_answer(api: Api, forged: dict[str, str]) -> None:
    with httpx.Client(base_url=api.app.url, headers=forged, timeout=60) as http:
        started = http.post("/audits", json={"mode": "fast"})
        assert started.status_code == 202
        audit_id = started.json()["id"]
        answers = [started, http.get("/audits"), http.get(f"/audits/{audit_id}"), http.post("/audits", json={"a": 1})]
        answers += [
            http.get("/openapi.json"),
            http.get("/profiles"),
            http.get("/health"),
            http.get("/audits/20000101-000000-00000000"),
        ]
        api.ended(audit_id)
        answers += [http.get(f"/audits/{audit_id}/report?format={form}") for form in ("json", "csv", "html")]
        answers += [http.post(f"/audits/{audit_id}/{verb}") for verb in ("cancel", "resume", "dead-letters/replay")]
    assert {answer.status_code for answer in answers} == {200, 202, 400, 404, 409}
    assert [answer.url.path for answer in answers if EVIL in f"{answer.headers!r}{answer.text}"] == []
    assert http.base_url.join(started.headers["location"]).path == f"/api/audits/{audit_id}"
    page = started.json()["links"]["page"]
    assert page.endswith(f"/api/audits/{audit_id}/report?format=html")
    assert page.startswith(("/api/", "http://127.0.0.1"))
