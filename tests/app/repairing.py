"""The API as those use it who propose and approve repairs."""

from typing import Any

import httpx

from tests.app.world import Api, eventually


class Repairing(Api):
    """The API of an app that repairs."""

    def ask(self, path: str, **body: Any) -> httpx.Response:
        return self._http.post(path, json=body)

    def until(self, repair_id: str, *states: str) -> dict[str, Any]:
        def probe() -> dict[str, Any] | None:
            view: dict[str, Any] = self.get(f"/repairs/{repair_id}").json()
            return view if view["state"] in states else None

        return eventually(probe, f"repair {repair_id} is one of {states}", 120)

    def proposed(self, audit_id: str, *findings: str) -> dict[str, Any]:
        response = self.ask(f"/audits/{audit_id}/repairs", by="Ann", findings=list(findings))
        assert response.status_code == 202, response.text
        return self.until(response.json()["id"], "proposed", "failed")

    def decided(self, repair: dict[str, Any], by: str) -> httpx.Response:
        """The answer to somebody who approves a plan."""
        return self.ask(f"/repairs/{repair['id']}/approve", digest=repair["digest"], by=by, reason="Looked at it.")
