"""What this process has just written for audits at work, so that their next steps need not ask the run store for it."""

import re
from collections import OrderedDict
from collections.abc import Mapping

# All of an audit of 20,000 containers is kept (5 MB), and of a larger one what came first.
MOST_BYTES = 1024 * 1024
MOST_IN_AUDIT = 6 * MOST_BYTES
_MOST_AUDITS = 4
# Only what never changes in the first attempt of an audit; its record does, and so do dead letters.
_KEPT = re.compile(
    r"([^/]+/[0-9]{8}-[0-9]{6}-[0-9a-f]{8})/"
    r"(rows/.+|pulled/[0-9]+\.json|work\.jsonl\.gz|shards/[0-9]{4}\.jsonl\.gz|0\.0/.+|report\.json)"
)


class Recent:
    """Small blobs by path, with their ETags, of the audits that were written to last. It may be empty at any time: then
    the run store is asked.
    """

    def __init__(self) -> None:
        self._by_audit: OrderedDict[str, dict[str, tuple[bytes, str]]] = OrderedDict()
        self._final: OrderedDict[str, tuple[bytes, str]] = OrderedDict()

    def note(self, path: str, data: bytes, etag: str, metadata: Mapping[str, str] | None = None) -> None:
        """Keep what was written, if it is small and stays as it is; in any case nothing older is kept of that path."""
        self.drop(path)
        kept = _KEPT.fullmatch(path)
        if kept is None or len(data) > MOST_BYTES:
            return
        if kept[2].startswith("shards/") and (metadata or {}).get("failed") != "0":
            return  # another pass replaces it
        of_audit = self._by_audit.setdefault(kept[1], {})
        self._by_audit.move_to_end(kept[1])
        if sum(len(one) for one, _ in of_audit.values()) + len(data) <= MOST_IN_AUDIT:
            of_audit[path] = data, etag
        while len(self._by_audit) > _MOST_AUDITS:
            self._by_audit.popitem(last=False)

    def get(self, path: str) -> tuple[bytes, str] | None:
        """The bytes and the ETag of a blob; None if it is not kept."""
        kept = _KEPT.fullmatch(path)
        return None if kept is None else self._by_audit.get(kept[1], {}).get(path) or self._final.get(path)

    def drop(self, path: str) -> None:
        """Keep nothing of a path."""
        kept = _KEPT.fullmatch(path)
        if kept is not None:
            self._by_audit.get(kept[1], {}).pop(path, None)
            self._final.pop(path, None)

    def drop_audit(self, audit: str) -> None:
        """Keep nothing of an audit but its final report: somebody else may have written since."""
        self._by_audit.pop(audit, None)

    def keep_report(self, audit: str) -> None:
        """Keep nothing of a completed audit but its report, with which the next one is compared: nothing changes it."""
        path = f"{audit}/report.json"
        report = self.get(path)
        self.drop_audit(audit)
        if report is not None:
            self._final[path] = report
        while len(self._final) > _MOST_AUDITS:
            self._final.popitem(last=False)
