"""Posting a notice to a chat's incoming webhook. The address is a secret: it is never logged or quoted."""

import asyncio
from http import HTTPStatus
from typing import Any

import aiohttp
from yarl import URL

from adapters.network_faults import Fault, fault_of, is_redirect
from adapters.proxies import proxy_for
from reconciliation.errors import NotificationError, SettingsError

_TIMEOUT = aiohttp.ClientTimeout(total=15, sock_connect=5)
_ATTEMPTS = 3
_PAUSE_SECONDS = 2.0
_STILL_THERE = "Check that the webhook still exists."


async def post(url: str, document: dict[str, Any]) -> None:
    """Post a JSON document, up to three times. Raises ``NotificationError`` if it is not accepted.

    A status of 200 to 299 from the address itself accepts it; the response's body is not read.
    """
    try:
        address = URL(url)
        proxy = proxy_for(address)
    except SettingsError as error:
        raise NotificationError(f"Cannot notify AUDIT_WEBHOOK_URL: {error}") from None
    except ValueError:
        raise NotificationError("Cannot notify AUDIT_WEBHOOK_URL: it is not an address. Give https://...") from None
    fault = Fault("could not be reached")
    async with aiohttp.ClientSession(timeout=_TIMEOUT, auto_decompress=False) as session:
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                async with session.post(address, json=document, proxy=proxy, allow_redirects=False) as response:
                    if HTTPStatus.OK <= response.status < HTTPStatus.MULTIPLE_CHOICES:
                        return
                    fault = _fault_in(response.status)
            except (aiohttp.ClientError, TimeoutError, ValueError) as error:
                fault = fault_of(error)
            if fault.lasts:
                break
            if attempt < _ATTEMPTS:
                await asyncio.sleep(_PAUSE_SECONDS)
    raise NotificationError(f"Cannot notify AUDIT_WEBHOOK_URL: it {fault.what}. {fault.advice or _STILL_THERE}")


def _fault_in(status: int) -> Fault:
    if is_redirect(status):
        return Fault(
            f"answered {status}, which leads elsewhere and is not followed", "Give the address that it leads to.", True
        )
    return Fault(f"answered {status}")
