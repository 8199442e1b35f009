"""Sends requests exactly as they are given, one at a time, to an app on this machine and nowhere else."""

import http.client
from contextlib import suppress
from urllib.parse import urlsplit

from tests.app.fuzzing.judging import Asked, Judge

PATIENCE_SECONDS = 60


class Sender:
    """One connection to the app; every answer goes to the judge. The key travels in both places that may hold it."""

    def __init__(self, url: str, judge: Judge, key: str) -> None:
        where = urlsplit(url)
        assert where.hostname == "127.0.0.1", "only an app on this machine may be asked"
        self._prefix = where.path
        self._judge = judge
        self._key = key
        self._connection = http.client.HTTPConnection(where.hostname, where.port, timeout=PATIENCE_SECONDS)

    def send(self, asked: Asked) -> None:
        for is_last in (False, True):
            try:
                self._send(asked)
            except (http.client.HTTPException, OSError) as error:
                self._connection.close()
                if is_last:
                    self._judge.no_answer(asked, repr(error))
                # A kept connection may have been closed between two requests: that is no answer to this one.
            else:
                return

    def _send(self, asked: Asked) -> None:
        target = f"{self._prefix}{asked.path}{'&' if '?' in asked.path else '?'}code={self._key}"
        headers = {"x-functions-key": self._key, "content-type": "application/json"}
        self._connection.request(asked.method, target, body=asked.body or None, headers=headers)
        response = self._connection.getresponse()
        body = response.read()
        told = {name.lower(): value for name, value in response.getheaders()}
        self._judge.look(asked, response.status, told, body)

    def close(self) -> None:
        with suppress(OSError):
            self._connection.close()
