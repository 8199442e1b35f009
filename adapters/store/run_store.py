"""All artefacts of audits, by kind."""

import logging
from dataclasses import dataclass
from typing import Self

from adapters.store.attempts import Attempts
from adapters.store.blobs import BlobStore
from adapters.store.dead_letters import DeadLetters
from adapters.store.folder import Folder
from adapters.store.overview import Overview
from adapters.store.plans import Plans
from adapters.store.policies import Policies
from adapters.store.questions import Questions
from adapters.store.readings import Readings
from adapters.store.recent import Recent
from adapters.store.repairs import Repairs
from adapters.store.reports import Reports
from adapters.store.rows import Rows
from adapters.store.shards import Shards
from reconciliation.errors import UnreadableError
from reconciliation.progress import Reached

logger = logging.getLogger("capture_audit.run_store")


@dataclass(frozen=True)
class RunStore:
    """The first argument of every method is the folder of an audit or of an attempt; for ``questions`` and ``policies``
    the profile, for ``repairs`` a repair's record. ``recent`` is what this process has written itself of late.
    """

    rows: Rows
    plans: Plans
    shards: Shards
    readings: Readings
    attempts: Attempts
    letters: DeadLetters
    reports: Reports
    overview: Overview
    questions: Questions
    repairs: Repairs
    policies: Policies
    recent: Recent

    @classmethod
    def of(cls, blobs: BlobStore) -> Self:
        folder = Folder(blobs)
        return cls(
            Rows(folder),
            Plans(folder),
            Shards(folder),
            Readings(folder),
            Attempts(folder),
            DeadLetters(folder),
            Reports(folder),
            Overview(folder),
            Questions(folder),
            Repairs(blobs),
            Policies(folder),
            blobs.recent,
        )

    async def reached(self, audit: str, noun: str) -> Reached | None:
        """The progress of an audit that is about to end; None, with a warning in the log, if it cannot be read.
        ``noun`` is the word for a unit.
        """
        try:
            artefacts = await self.overview.artefacts(audit)
            plan = await self.plans.existing(audit) if "plan.json" in artefacts.names else None
        except UnreadableError as error:
            logger.warning("How far an audit has come is not known: %s", error)
            return None
        return Reached(artefacts.progress(plan).to_json(None, noun), artefacts.dead_letters)
