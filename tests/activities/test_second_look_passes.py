"""The second look at containers tries as often as the first."""

from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, cast

import pytest

from activities.second_look import _containers
from adapters.services import Services
from reconciliation.errors import StorageRefusedError
from reconciliation.evidence import BlobPage, ContainerEvidence, Unread


@dataclass
class RefusingLister:
    """Refuses each container as often as ``refusals`` says; then it is empty."""

    refusals: dict[str, int]
    asked: list[str] = field(default_factory=list)

    async def blobs(self, container: str) -> list[BlobPage]:
        self.asked.append(container)
        if self.asked.count(container) <= self.refusals.get(container, 0):
            raise StorageRefusedError("storage answered 403")
        return [BlobPage(0, None, [])]


@pytest.mark.parametrize(("refusals", "kind"), [(0, ContainerEvidence), (2, ContainerEvidence), (3, Unread)])
async def test_a_container_that_is_refused_is_tried_in_as_many_passes_as_a_scan_has(refusals: int, kind: type) -> None:
    lister = RefusingLister({"b": refusals})
    settings: Any = SimpleNamespace(max_passes=3, scan_concurrency=4)
    seen = await _containers(["a", "b"], cast("Services", SimpleNamespace(lister=lister, settings=settings)), 0)
    assert {name: type(record) for name, record in seen.items()} == {"a": ContainerEvidence, "b": kind}
    assert lister.asked.count("a") == 1
    assert lister.asked.count("b") == min(refusals + 1, 3)
