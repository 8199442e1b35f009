"""The HTTP API, one method per route. Knows addresses, headers and status codes; prints nothing, retries nothing."""

import json
import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import BinaryIO, Final
from urllib.parse import quote

import httpx

from auditctl.errors import AuditctlError, UnavailableError, UnexpectedResponseError
from auditctl.fields import Document, Fields
from auditctl.problems import error_from
from auditctl.service import Service

TIMEOUT: Final = httpx.Timeout(30.0, connect=5.0)
KEY_HEADER: Final = "x-functions-key"


@dataclass(frozen=True)
class Response:
    """A JSON response: the document without secrets, its source, and ``Retry-After`` in seconds, if any."""

    document: Document
    where: str
    retry_after: float | None

    @property
    def fields(self) -> Fields:
        return Fields(self.document, self.where)


class Api:
    """The audit service's routes.

    Every method raises RefusedError, UnavailableError (no response, or 429, 502, 503, 504) or UnexpectedResponseError.
    """

    def __init__(self, service: Service, http: httpx.Client) -> None:
        self.service = service
        self._http = http

    def start(self, body: Document) -> Response:
        """Start an audit. Not idempotent: after a lost connection the audit may or may not have been accepted."""
        return self._ask("POST", "/audits", expected=HTTPStatus.ACCEPTED, body=body)

    def audit(self, audit_id: str) -> Response:
        """One audit with its progress."""
        return self._ask("GET", _path(audit_id))

    def audits(self, profile: str | None, limit: int | None) -> Response:
        """The audits, newest first."""
        wanted = {"profile": profile, "limit": limit}
        return self._ask("GET", "/audits", query={name: str(v) for name, v in wanted.items() if v is not None})

    def cancel(self, audit_id: str) -> Response:
        """Cancel an audit; it ends a little later."""
        return self._ask("POST", f"{_path(audit_id)}/cancel", expected=HTTPStatus.ACCEPTED)

    def resume(self, audit_id: str) -> Response:
        """Start an interrupted or failed audit again."""
        return self._ask("POST", f"{_path(audit_id)}/resume", expected=HTTPStatus.ACCEPTED)

    def dead_letters(self, audit_id: str) -> Response:
        """The shards of an audit that could not be read to their end."""
        return self._ask("GET", f"{_path(audit_id)}/dead-letters")

    def replay(self, audit_id: str) -> Response:
        """Scan the shards of all open dead letters again."""
        return self._ask("POST", f"{_path(audit_id)}/dead-letters/replay", expected=HTTPStatus.ACCEPTED)

    def discard(self, audit_id: str, body: Document) -> Response:
        """Discard the open dead letters; the response has them."""
        return self._ask("POST", f"{_path(audit_id)}/dead-letters/discard", body=body)

    def propose(self, audit_id: str, body: Document) -> Response:
        """Have a plan made that repairs findings of an audit. Not idempotent."""
        return self._ask("POST", f"{_path(audit_id)}/repairs", expected=HTTPStatus.ACCEPTED, body=body)

    def repairs(self, profile: str | None, limit: int | None) -> Response:
        """The repairs of a profile, newest first."""
        wanted = {"profile": profile, "limit": limit}
        return self._ask("GET", "/repairs", query={name: str(v) for name, v in wanted.items() if v is not None})

    def repair(self, repair_id: str) -> Response:
        """One repair with its plan, the decision, and the ledger."""
        return self._ask("GET", _repair_path(repair_id))

    def exported_repair(self, repair_id: str) -> Response:
        """All that is kept of a repair."""
        return self._ask("GET", f"{_repair_path(repair_id)}/export")

    def ask_repair(self, repair_id: str, what: str, body: Document) -> Response:
        """Approve, reject, stop or undo a repair, or give a pseudonym."""
        expected = HTTPStatus.OK if what in {"reject", "pseudonym"} else HTTPStatus.ACCEPTED
        return self._ask("POST", f"{_repair_path(repair_id)}/{what}", expected=expected, body=body)

    def policies(self) -> Response:
        """What is repaired without a person, and whether it is so now."""
        return self._ask("GET", "/policies")

    def resume_policy(self, profile: str, body: Document) -> Response:
        """Let a policy go on that has paused itself."""
        return self._ask("POST", f"/policies/{quote(profile, safe='')}/resume", body=body)

    def profiles(self) -> Response:
        return self._ask("GET", "/profiles")

    def health(self) -> Response:
        """The health of the service; 503 with checks is a response, not an error."""
        where, response = self._send("GET", "/health")
        if response.status_code == HTTPStatus.SERVICE_UNAVAILABLE and b'"checks"' in response.content:
            return self._parsed(where, response, HTTPStatus.SERVICE_UNAVAILABLE)
        return self._parsed(where, response, HTTPStatus.OK)

    def report(self, audit_id: str) -> Response:
        """An audit's report as a document."""
        return self._ask("GET", f"{_path(audit_id)}/report", query={"format": "json"})

    def download_report(self, audit_id: str, report_format: str, into: BinaryIO) -> None:
        """Write an audit's report into a file, byte for byte. After an error the file may hold a part of it."""
        path = f"{_path(audit_id)}/report"
        url, where = self._address(path), self._where("GET", path)
        with (
            self._explained(where, "GET"),
            self._http.stream("GET", url, params={"format": report_format}) as response,
        ):
            if response.status_code != HTTPStatus.OK:
                response.read()
                raise error_from(response, self.service, where, retry_after_seconds(response))
            into.writelines(response.iter_bytes())

    def _ask(
        self,
        method: str,
        path: str,
        *,
        expected: HTTPStatus = HTTPStatus.OK,
        body: Document | None = None,
        query: Mapping[str, str] | None = None,
    ) -> Response:
        return self._parsed(*self._send(method, path, body=body, query=query), expected)

    def _send(
        self, method: str, path: str, *, body: Document | None = None, query: Mapping[str, str] | None = None
    ) -> tuple[str, httpx.Response]:
        where = self._where(method, path)
        with self._explained(where, method):
            return where, self._http.request(method, self._address(path), json=body, params=query)

    def _parsed(self, where: str, response: httpx.Response, expected: HTTPStatus) -> Response:
        retry_after = retry_after_seconds(response)
        if response.status_code != expected:
            raise error_from(response, self.service, where, retry_after)
        try:
            document = self.service.without_secrets(json.loads(response.content or b"{}"))
        except (ValueError, RecursionError):
            document = None
        if not isinstance(document, dict):
            raise UnexpectedResponseError("The service answered something that is not a JSON object.", where=where)
        return Response(document, where, retry_after)

    def _address(self, path: str) -> str:
        return f"{self.service.address}{path}"

    def _where(self, method: str, path: str) -> str:
        return f"{method} {self._address(path)}"

    @contextmanager
    def _explained(self, where: str, method: str) -> Iterator[None]:
        """Turns httpx's exceptions into errors that say what to do, without their chain of causes."""
        try:
            yield
        except httpx.TransportError as error:
            raise self._unreachable(error, where, method) from None
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise UnexpectedResponseError(
                f"The answer could not be read ({type(error).__name__}).", where=where
            ) from None

    def _unreachable(self, error: httpx.TransportError, where: str, method: str) -> AuditctlError:
        reason = str(self.service.without_secrets(str(error))).rstrip(".") or type(error).__name__
        if isinstance(error, httpx.ConnectError | httpx.ConnectTimeout | httpx.PoolTimeout):
            what = f"The service cannot be reached ({reason})."
            next_step = f"Check that it runs at {self.service.address} (change it with --url or AUDITCTL_URL)."
        elif method == "POST":
            what = f"The connection was lost before the service answered ({reason}); it may have accepted the request."
            next_step = f"See whether it did before you try again: {self.service.command('list')}"
        else:
            what = f"The connection to the service was lost ({reason})."
            next_step = f"See whether the service is well: {self.service.command('health')}"
        return UnavailableError(what, where=where, next_step=next_step)


@contextmanager
def connect(service: Service) -> Iterator[Api]:
    """The service's API, with its connections open until the block ends.

    The environment's proxies are used, except for this machine; redirects are not followed, since they would carry the
    key.
    """
    # Certificates take 50 ms to load, so they are left out where they are never needed.
    needs_certificates = not (service.is_loopback and service.address.startswith("http:"))
    headers = {"accept": "application/json, application/problem+json;q=0.9, */*;q=0.5"}
    if service.key is not None:
        headers[KEY_HEADER] = service.key
    with httpx.Client(
        headers=headers, timeout=TIMEOUT, trust_env=not service.is_loopback, verify=needs_certificates
    ) as http:
        yield Api(service, http)


def _repair_path(repair_id: str) -> str:
    return f"/repairs/{quote(repair_id, safe='')}"


def _path(audit_id: str) -> str:
    return f"/audits/{quote(audit_id, safe='')}"


def retry_after_seconds(response: httpx.Response) -> float | None:
    """The Retry-After header in seconds from now; None if absent or unreadable."""
    value = response.headers.get("retry-after", "")
    try:
        seconds = float(value)
    except ValueError:
        try:
            moment = parsedate_to_datetime(value)
        except ValueError:
            return None
        seconds = (moment.replace(tzinfo=moment.tzinfo or UTC) - datetime.now(UTC)).total_seconds()
    return max(seconds, 0.0) if math.isfinite(seconds) else None
