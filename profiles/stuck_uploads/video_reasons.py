"""The facts behind the verdicts on videos, in words."""

from profiles.stuck_uploads.dialects import Stage
from profiles.stuck_uploads.facts import VideoFacts
from profiles.stuck_uploads.keys import SOURCE
from profiles.stuck_uploads.runs import Run
from reconciliation.times import to_text
from reconciliation.wording import joined, plural

_MOST_RUNS = 5
_MOST_MINUTES = 600


def invalid(facts: VideoFacts) -> str:
    video = facts.video
    wrong = [f"its {name} cannot be read" for name in video.unreadable]
    wrong += [] if video.tenant_id else ["it has no tenant"]
    if facts.stage is None:
        wrong.append("it has no status" if video.status is None else "its status is none of those that are known")
    if video.tenant_id and not video.has_usual_key:
        wrong.append(f"its storage key is not {video.folder}{SOURCE}")
    if facts.stage is not Stage.DELETED and facts.created_at is None and "created_at" not in video.unreadable:
        wrong.append("it has no date" if video.created_at is None else "its date lies in the future")
    return _sentence(joined(wrong))


def active(facts: VideoFacts) -> str:
    return _sentence(joined([_run(run) for run in facts.active[:_MOST_RUNS]]))


def dead(facts: VideoFacts) -> str:
    return f"{active(facts)} {_workers(facts)}"


def overdue(facts: VideoFacts) -> str:
    return f"{active(facts)} {_workers(facts)}"


def source(facts: VideoFacts) -> str:
    size = "an unknown size" if facts.video.size_bytes is None else f"{facts.video.size_bytes:,} bytes"
    found = facts.folder.source if facts.folder else None
    there = "there is no such object" if found is None else f"the object has {found.size:,} bytes"
    return f"Its row is {_old(facts)} and says {size}; {there}."


def outputs(facts: VideoFacts) -> str:
    folder = facts.folder
    if folder is None:
        return "There is nothing in its folder."
    frames = plural(folder.frames.number, "frame")
    if folder.frames.missing is not None:
        frames += f", of which number {folder.frames.missing} is missing or odd"
    alike = "a thumbnail for each" if folder.frames.alike else "other thumbnails than frames"
    layout = "no layout" if folder.layout is None else "a damaged layout" if facts.layout_is_damaged else "a layout"
    return f"It has {frames}, {alike}, and {layout}."


def regressed(facts: VideoFacts) -> str:
    signs = []
    if facts.is_approved:
        signs.append("its layout is approved")
    if facts.video.has_crops:
        signs.append("it has crops")
    if facts.video.boundaries_status not in {None, "wait"}:
        signs.append("its boundaries were begun")
    if facts.crops:
        signs.append(
            f"there {'is' if len(facts.crops) == 1 else 'are'} {plural(len(facts.crops), 'run')} for its crops"
        )
    return _sentence(joined(signs))


def stuck(facts: VideoFacts) -> str:
    runs = (
        "it has no run" if not facts.ended else f"of its {plural(len(facts.ended), 'run')} the last is {_last(facts)}"
    )
    there = [f"its file has {facts.folder.source.size:,} bytes"] if facts.folder and facts.folder.source else []
    there += [f"besides it there are {plural(facts.outputs, 'object')}"] if facts.outputs else []
    edited = ["people have edited it, or are about to"] if facts.is_edited else []
    return f"Its row is {_old(facts)}; {joined([runs, *there, *edited])}."


def lock(facts: VideoFacts) -> str:
    held = facts.leaked_lock
    assert held is not None
    assert held.locked_at is not None
    return f"The database {held.database} is locked since {to_text(held.locked_at)}."


def _last(facts: VideoFacts) -> str:
    last = facts.last
    assert last is not None
    at = "" if last.last_moment is None else f", {to_text(last.last_moment)}"
    return f"{last.state}{at}"


def _run(run: Run) -> str:
    begun, due = run.started or run.since, run.due
    when = f"since {to_text(begun)}" if begun else "since an unknown time"
    if run.state == "SCHEDULED" and due:
        when = f"for {to_text(due)}"
    name = f" ({run.state_name})" if run.state_name and run.state_name.upper() != run.state else ""
    return f"run {run.id} is {run.state}{name} {when}"


def _workers(facts: VideoFacts) -> str:
    service = facts.service
    if service is None:
        return "What workers there are is not known."
    return "No worker is online." if not service.online else f"{plural(service.online, 'worker')} online."


def _old(facts: VideoFacts) -> str:
    if facts.age is None:
        return "of unknown age"
    minutes = int(facts.age.total_seconds() // 60)
    return f"{plural(minutes, 'minute') if minutes < _MOST_MINUTES else plural(minutes // 60, 'hour')} old"


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."
