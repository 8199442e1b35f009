"""The fast stub, where it can be compiled, and what it counts."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest

from dev.devstack.fast_stub import build
from dev.devstack.stub import Limit, StubbedStorage, fast_storage
from dev.devstack.supervise import DevStackError


@contextmanager
def fast_account(
    uniform: str, *, tls: bool = False, latency_ms: tuple[float, float] = (0, 0), limit: Limit | None = None
) -> Iterator[StubbedStorage]:
    """The stub; where it cannot be compiled the test is skipped, and under ``CI=true`` it fails."""
    try:
        build.binary()
    except DevStackError as error:
        if os.environ.get("CI") == "true":
            pytest.fail(str(error))
        pytest.skip(str(error))
    with fast_storage(uniform, tls=tls, latency_ms=latency_ms, limit=limit) as storage:
        yield storage


def counts(storage: StubbedStorage) -> dict[str, float]:
    """How many requests, refusals and connections there were."""
    # To load the authorities, which are not needed here, takes longer than anything else.
    told: dict[str, float] = httpx.get(f"{storage.root}/stats", verify=False).json()
    return told
