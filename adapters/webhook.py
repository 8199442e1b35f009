"""Posting a notice to a chat's incoming webhook. The address is a secret: it is never logged or quoted."""

import asyncio
from typing import Any

import aiohttp

from reconciliation.errors import NotificationError

_TIMEOUT = aiohttp.ClientTimeout(total=15, sock_connect=5)
_ATTEMPTS = 3
_PAUSE_SECONDS = 2.0


async def post(url: str, document: dict[str, Any]) -> None:
    """Post a JSON document, up to three times. Raises ``NotificationError`` if it is not taken."""
    trouble = ""
    async with aiohttp.ClientSession(timeout=_TIMEOUT) as session:
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                async with session.post(url, json=document) as answer:
                    if answer.ok:
                        return
                    trouble = f"it answered {answer.status}"
            except (aiohttp.ClientError, TimeoutError, ValueError):
                trouble = "it could not be reached"
            if attempt < _ATTEMPTS:
                await asyncio.sleep(_PAUSE_SECONDS)
    raise NotificationError(f"Cannot notify AUDIT_WEBHOOK_URL: {trouble}. Check that the webhook still exists.")
