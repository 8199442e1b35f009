"""Where the policy of each profile is.

<profile>/policy.json     whether it has paused itself, who last let it go on, and what it leaves alone for a while
"""

from collections.abc import Callable

from adapters.store.documents import document, read_document
from adapters.store.folder import Folder
from reconciliation.errors import RunStoreError
from reconciliation.policy import PolicyState

_TRIES = 5


class Policies:
    """Reads and changes them. Errors are those of ``BlobStore``, plus ``RunStoreError``; of a blob that is damaged, or
    of a later release, ``UnreadableError``: a policy whose state cannot be read approves nothing.
    """

    def __init__(self, folder: Folder) -> None:
        self._folder = folder

    async def state(self, profile: str) -> PolicyState:
        """The state of a profile's policy; that of one which never paused, if there is none."""
        return await self._folder.document(_path(profile), PolicyState.from_json) or PolicyState()

    async def change(self, profile: str, change: Callable[[PolicyState], PolicyState]) -> PolicyState:
        """Replace the state by what ``change`` makes of it; returns the new one. Atomic: ``change`` is called again if
        somebody else was faster.
        """
        blobs, path = self._folder.blobs, _path(profile)
        for _ in range(_TRIES):
            stored = await blobs.read(path)
            before = (
                PolicyState()
                if stored is None
                else read_document(path, blobs.where, stored.data, PolicyState.from_json)
            )
            after = change(before)
            if after == before:
                return before
            if await blobs.put(path, document(after.to_json()), None if stored is None else stored.etag) is not None:
                return after
        raise RunStoreError(f"{path} in {blobs.where} is changed all the time. Try again.")


def _path(profile: str) -> str:
    return f"{profile}/policy.json"
