"""All artefacts of audits, by their kind."""

from dataclasses import dataclass
from typing import Self

from adapters.store.attempts import Attempts
from adapters.store.blobs import BlobStore
from adapters.store.dead_letters import DeadLetters
from adapters.store.folder import Folder
from adapters.store.overview import Overview
from adapters.store.plans import Plans
from adapters.store.reports import Reports
from adapters.store.rows import Rows
from adapters.store.shards import Shards


@dataclass(frozen=True)
class RunStore:
    """What is in the folders of audits. The first argument of every method is the folder: an audit's, or one attempt's
    in it.
    """

    rows: Rows
    plans: Plans
    shards: Shards
    attempts: Attempts
    letters: DeadLetters
    reports: Reports
    overview: Overview

    @classmethod
    def of(cls, blobs: BlobStore) -> Self:
        """All of them in one container."""
        folder = Folder(blobs)
        return cls(
            Rows(folder),
            Plans(folder),
            Shards(folder),
            Attempts(folder),
            DeadLetters(folder),
            Reports(folder),
            Overview(folder),
        )
