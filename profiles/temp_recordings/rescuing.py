"""The repairs that copy: what may be deleted gets a copy in rescue/, and what lies elsewhere is copied to its place."""

from collections.abc import Iterator, Mapping
from typing import Any

from profiles.temp_recordings import saving
from profiles.temp_recordings.facts import ChunkFacts, FileFacts
from profiles.temp_recordings.files import File
from profiles.temp_recordings.heard import Heard, heard, look_ups
from profiles.temp_recordings.names import TEMP, base, rescued_as
from profiles.temp_recordings.statements import REMOVE, REMOVE_ORPHAN
from reconciliation.effects import Effect, Scalar
from reconciliation.lookups import Lookup
from reconciliation.repair import Change, Repairable
from reconciliation.times import optional_text
from reconciliation.wording import joined

_STAYS = "Nobody deletes the copy but a person, once its meeting was heard whole. Have it promoted."


def of_chunk(facts: ChunkFacts, _row: Any) -> tuple[Lookup, ...]:
    return look_ups(_read(facts))


def _read(facts: ChunkFacts) -> list[File]:
    return saving.needed(facts) if facts.has_file else list(facts.elsewhere)


def rescue(repairable: Repairable[ChunkFacts]) -> Change | str:
    """Copies of all that holds a chunk; of one that lies elsewhere, to where its row says."""
    facts = repairable.facts
    read = heard(_read(facts), repairable.results)
    if not facts.has_file:
        return _put_back(facts, read)
    found = saving.saved(facts, read)
    if isinstance(found, str):
        return found
    if not found.copies:
        return "There is a proved copy of it in rescue/ already."
    where = joined([str(one.values["target"]) for one in found.copies])
    return Change(
        says=f"Copy {joined([one.key for one in found.files])} to {where} ({found.bytes:,} bytes).",
        seen={"status": facts.chunk.status, **found.seen},
        do=found.copies,
        undo=_removal(found.copies, facts),
        copies_bytes=found.bytes,
        shown=shown(facts),
        left_to_people=_STAYS,
        waiting_since=facts.chunk.created.earliest if facts.chunk.created else None,
    )


def _put_back(facts: ChunkFacts, read: Mapping[str, Any]) -> Change | str:
    """Copies of files that lie elsewhere: each only if there is no second one of its name."""
    names = [base(one.key) for one in facts.elsewhere]
    if len(set(names)) != len(names):
        return "Several files of its name lie elsewhere: a person must look which of them it is."
    if any(one.key not in read for one in facts.elsewhere):
        return saving.UNREAD
    copies = tuple(_to_its_place(facts, read))
    return Change(
        says=f"Copy {joined([one.key for one in facts.elsewhere])} to"
        f" {joined([str(one.values['target']) for one in copies])}: in {TEMP} its row says that it is.",
        seen={"status": facts.chunk.status, **{f"sha256 of {key}": one.sha256 for key, one in read.items()}},
        do=copies,
        undo=_removal(copies, facts),
        copies_bytes=sum(int(one.values["bytes"] or 0) for one in copies),
        shown=shown(facts),
        left_to_people="The other file stays. The bot does not look at its queue again: see its work order.",
    )


def _to_its_place(facts: ChunkFacts, read: Mapping[str, Heard]) -> Iterator[Effect]:
    """To rescue/ first what the clean-up would soon delete in its place."""
    for one in facts.elsewhere:
        target = rescued_as(facts.scene.key, one.key)
        if facts.is_expiring and not one.key.startswith(rescued_as(facts.scene.key, "")):
            yield saving.copy(read[one.key], target)
        yield saving.copy(read[one.key], f"{TEMP}{base(one.key)}")


def of_orphan(facts: FileFacts, _row: Any) -> tuple[Lookup, ...]:
    return look_ups(_orphan(facts))


def _orphan(facts: FileFacts) -> list[File]:
    """The file, and what lies where its copy belongs."""
    there = facts.scene.files.get(rescued_as(facts.scene.key, facts.key))
    return [one for one in (facts.file, there) if one is not None]


def rescue_orphan(repairable: Repairable[FileFacts]) -> Change | str:
    """A copy of a file of a chunk that no row names."""
    facts, files = repairable.facts, _orphan(repairable.facts)
    read = heard(files, repairable.results)
    if facts.is_promoted:
        return "A recording of its user is in order: it is no only copy, as far as that tells."
    if len(read) < len(files) or facts.file is None:
        return saving.UNREAD
    target = rescued_as(facts.scene.key, facts.key)
    if target in read:
        same = read[target].sha256 == read[facts.key].sha256
        return (
            "There is a proved copy of it in rescue/ already."
            if same
            else f"Another file lies at {target}: look at both."
        )
    effect = saving.copy(read[facts.key], target)
    return Change(
        says=f"Copy {facts.key} to {target} ({facts.file.size:,} bytes).",
        seen={f"sha256 of {facts.key}": read[facts.key].sha256},
        do=(effect,),
        undo=Effect(
            REMOVE_ORPHAN,
            {**_copied(effect), "meeting_id": facts.scene.key, "stem": base(facts.key).rpartition(".")[0]},
        ),
        copies_bytes=facts.file.size,
        shown={"bytes": facts.file.size, "changed": optional_text(facts.file.moment)},
        left_to_people=_STAYS,
        waiting_since=facts.file.moment,
    )


def _removal(copies: tuple[Effect, ...], facts: ChunkFacts) -> Effect | None:
    """What takes a copy back; several are for a person to delete."""
    if len(copies) != 1:
        return None
    return Effect(REMOVE, {**_copied(copies[0]), "id": facts.chunk.id, "spelled": facts.chunk.spelled})


def _copied(copy: Effect) -> dict[str, Scalar]:
    return {name: copy.values[name] for name in ("source", "sha256")}


def shown(facts: ChunkFacts) -> Mapping[str, Any]:
    """The facts to decide by."""
    return {
        "meeting_id": facts.chunk.meeting_id,
        "user_id": facts.chunk.user_id,
        "age_minutes": None if facts.age is None else int(facts.age.total_seconds() // 60),
        "deleted_at": optional_text(facts.deleted_at),
        "pcm_bytes": facts.pcm.size if facts.pcm else None,
        "mp3_bytes": facts.mp3.size if facts.mp3 else None,
    }
