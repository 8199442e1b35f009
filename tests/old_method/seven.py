"""The seven lost recordings on which the old method was tried (DOMAIN.md section 4)."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from dev.demo.prodlike.dataset import Dataset
from dev.demo.prodlike.draft import DAY, Draft
from dev.demo.prodlike.media import Blobs, encoded, two_tracks
from dev.demo.prodlike.trails import Trail

FAILED_PREFIX = "7"
FAILED_CONTAINER = UUID("8f000000-0000-4000-8000-000000000005")


@dataclass(frozen=True)
class Lost:
    """One lost recording: its session, its container, and what we say of the session."""

    what: str
    session: str
    container: str
    verdict: str


def seven(now: datetime) -> tuple[Dataset, list[Lost]]:
    """The world of the seven, all settled, and the seven."""
    draft = Draft("seven", now, timedelta())
    lost: list[Lost] = []

    def lose(what: str, container: str, verdict: str, base_of_key: str, suffixes: tuple[str, ...] = ()) -> None:
        session = draft.session(what, verdict, trail=Trail.SWEPT, times=draft.ago(30 * DAY))
        base, at = base_of_key.format(key=session.key), now - 29 * DAY
        blobs: Blobs = encoded(base, at, suffixes=suffixes) if suffixes else two_tracks(base, at)
        attributed = "attributed" if session.key in base else "unattributed_media"
        name = draft.container_of(UUID(container), what, attributed, blobs)
        lost.append(Lost(what, str(session.id), name, verdict))

    usual = ("_1280x720_4500k.mp4",)
    found, unknown = "unregistered_recording", "unverified"
    lose("a usual name", "10000000-0000-4000-8000-000000000001", found, "{key}", usual)
    lose("two tracks in one container", "20000000-0000-4000-8000-000000000002", found, "{key}")
    lose("exactly `<id>.mp4`", "30000000-0000-4000-8000-000000000003", found, "{key}", (".mp4",))
    lose("a hyphen in the suffix", "40000000-0000-4000-8000-000000000004", found, "{key}", ("_1280x720-4500k.mp4",))
    lose("its container could not be listed", str(FAILED_CONTAINER), unknown, "{key}", usual)
    lose("nor could all containers of its prefix", "7f000000-0000-4000-8000-000000000006", unknown, "{key}", usual)
    lose("named `index_...`", "60000000-0000-4000-8000-000000000007", unknown, "index", usual)
    return draft.finished(), lost
