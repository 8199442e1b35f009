"""The completed audits of each question, so that the next audit of it can be compared with the previous one."""

import logging
from datetime import datetime

from adapters.store.documents import document, read_document
from adapters.store.folder import Folder
from reconciliation.errors import RunStoreError, UnreadableError
from reconciliation.question import CompletedAudits

logger = logging.getLogger("capture_audit.questions")

_TRIES = 5


class Questions:
    """An index of completed audits. It may be lost: an entry that cannot be read counts as empty, and the next
    completed audit replaces it.
    """

    def __init__(self, folder: Folder) -> None:
        self._folder = folder
        # As they were read for the comparison; whoever adds to one finds out by its ETag whether it has changed since.
        self._read: dict[str, tuple[CompletedAudits, str | None]] = {}

    async def completed(self, profile: str, question: str) -> CompletedAudits:
        path = _path(profile, question)
        stored = await self._stored(path)
        self._read = {path: stored}
        return stored[0]

    async def add(self, profile: str, question: str, begun: tuple[datetime, str], *, is_first: bool) -> None:
        """Add a completed audit, as creation time and id; ``is_first`` if its question has no other. Idempotent, and
        safe with concurrent calls.
        """
        path = _path(profile, question)
        for attempt in range(_TRIES):
            known = (CompletedAudits(), None) if is_first else self._read.pop(path, None)
            audits, etag = known if known is not None and not attempt else await self._stored(path)
            with_it = audits.beside(begun)
            if with_it == audits:
                return
            data = document(with_it.to_json())
            if etag is None and await self._folder.blobs.create(path, data):
                return
            if etag is not None and await self._folder.blobs.replace(path, data, etag):
                return
        raise RunStoreError(f"{path} in {self._folder.blobs.where} is changed all the time. Try again.")

    async def compared_with(self, profile: str) -> set[str]:
        """The newest audit of each question."""
        paths = [blob.path async for blob in self._folder.blobs.listing(f"{profile}/questions/")]
        questions = [(await self._stored(path))[0].audits for path in paths]
        return {audits[0][1] for audits in questions if audits}

    async def forget(self, profile: str, before: datetime) -> None:
        """Delete the questions whose last audit was added before that moment."""
        found = [blob async for blob in self._folder.blobs.listing(f"{profile}/questions/")]
        for blob in found:
            if blob.last_modified < before:
                await self._folder.blobs.delete(blob.path)

    async def _stored(self, path: str) -> tuple[CompletedAudits, str | None]:
        stored = await self._folder.blobs.read(path)
        if stored is None:
            return CompletedAudits(), None
        try:
            return read_document(path, self._folder.blobs.where, stored.data, CompletedAudits.from_json), stored.etag
        except UnreadableError as error:
            logger.warning("What was asked before is not known: %s", error)
            return CompletedAudits(), stored.etag


def _path(profile: str, question: str) -> str:
    return f"{profile}/questions/{question}.json"
