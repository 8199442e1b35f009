"""No sequence of repairs makes the bot's own clean-up, in either era, delete an only copy that it would spare."""

from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import replace
from datetime import timedelta

from hypothesis import event, given, settings
from hypothesis import strategies as st

from dev.demo.temp_recordings.cases import COLUMNS, DOCUMENTED
from profiles.temp_recordings.durations import WINDOW_MS
from profiles.temp_recordings.names import RESCUE, TEMP, mp3_of
from profiles.temp_recordings.statements import CLEANED, MARK, MARK_LATER
from tests.profiles.temp_recordings.bot import WHOLE, Bot, Stored, mp3, odd_pcm, pcm, rescued

HALF = WINDOW_MS // 2
STATUSES = ["queued", "QUEUED", "in_progress", "done", "failed"]
RAW = [None, "whole", "odd"]
CONVERTED = [None, (WINDOW_MS, WINDOW_MS), (HALF, HALF), (WINDOW_MS, HALF), (WINDOW_MS, 0)]
"""What the size of an MP3 says that it plays, and what its frames do."""
COPIES = [None, "same", "other"]
CHUNKS = st.tuples(
    st.sampled_from(STATUSES),
    st.sampled_from(RAW),
    st.sampled_from(CONVERTED),
    st.sampled_from(COPIES),
    st.sampled_from([1, 10, 19, 30, 50]),
    st.booleans(),
    st.sampled_from([None, WINDOW_MS]),
)
HEALED = st.tuples(
    st.sampled_from(["queued", "IN_PROGRESS", "failed", "done"]),
    st.sampled_from([None, "whole"]),
    st.just((WINDOW_MS, WINDOW_MS)),
    st.sampled_from([None, None, "same"]),
    st.sampled_from([1, 10, 30]),
    st.booleans(),
    st.just(WINDOW_MS),
)
"""What most repairs are about: its MP3 is whole, and its row does not say so."""
STEPS = st.one_of(
    st.tuples(st.just("repair"), st.integers(0, 5), st.integers(1, 3)),
    st.tuples(st.just("repair"), st.integers(0, 5), st.just(3)),
    st.tuples(st.just("repair after it changed"), st.integers(0, 5), st.integers(0, 2)),
    st.tuples(st.just("hours"), st.integers(1, 30), st.just(0)),
    st.tuples(st.just("undo"), st.integers(0, 5), st.just(0)),
    st.tuples(st.sampled_from(["clean-up", "wipe", "flip", "forget", "remember"]), st.integers(0, 2), st.just(0)),
)


def _hours(bot: Bot, number: int) -> None:
    bot.now += timedelta(hours=number)


BY_ITSELF: Mapping[str, Callable[[Bot, int], None]] = {
    "hours": _hours,
    "clean-up": lambda bot, _: bot.cleans_up(),
    "wipe": lambda bot, _: bot.wipes(),
    "flip": lambda bot, number: bot.flips(f"{number:016x}"),
    "forget": lambda bot, number: bot.forgets(f"{number:016x}"),
    "remember": lambda bot, number: bot.remembers(f"{number:016x}"),
}
"""What happens whether anybody repairs anything or not."""


def planted(columns: str, clean_up: str, chunks: list[tuple[object, ...]]) -> Bot:
    bot = Bot(columns, clean_up)
    for number, (status, raw, converted, copy, age, cleaned, says) in enumerate(chunks):
        key = f"{TEMP}{bot.name(number)}"
        there: dict[str, Stored] = {}
        if raw is not None:
            there[key] = pcm(number, WINDOW_MS) if raw == "whole" else odd_pcm(number)
        if isinstance(converted, tuple):
            there[mp3_of(key)] = mp3(number, converted[0], frames_ms=converted[1])
        for name, one in there.items():
            bot.write(name, one)
            if copy is not None:
                rescued(bot, name, one if copy == "same" else replace(one, text="something else", worth=0))
        assert isinstance(age, int)
        bot.insert(
            number,
            str(status),
            timedelta(hours=age),
            cleaned=bool(cleaned),
            says=says if isinstance(says, int) else None,
        )
    return bot


def left(bot: Bot, number: int) -> list[int]:
    """How much is left of each chunk when nobody does anything any more but the clean-up."""
    later = bot.after_all_clean_ups()
    return [later.left_of(one) for one in range(number)]


@settings(max_examples=150)
@given(
    st.sampled_from(COLUMNS),
    st.sampled_from(["ended", "all"]),
    st.lists(CHUNKS | HEALED | HEALED, min_size=1, max_size=3),
    st.lists(STEPS, min_size=2, max_size=10),
)
def test_no_repair_makes_an_only_copy_deletable(
    columns: str, clean_up: str, chunks: list[tuple[object, ...]], steps: list[tuple[str, int, int]]
) -> None:
    bot = planted(columns, clean_up, chunks)
    unaided = deepcopy(bot)
    for what, number, more in steps:
        if what in BY_ITSELF:
            BY_ITSELF[what](bot, number)
            BY_ITSELF[what](unaided, number)
        elif what == "undo":
            taken_back = bot.takes_back(number)
            event(f"undo {taken_back.statement if taken_back else None}")
        elif changes := list(bot.changes()):
            (repair, subject), change = changes[number % len(changes)]
            event(change.do[-1].statement)
            if what == "repair after it changed":
                bot.flips(f"{more:016x}")
                unaided.flips(f"{more:016x}")
            if bot.apply(change, more if what == "repair" else len(change.do)):
                assert bot.verdict_of(repair.kind, subject) in repair.expects, change
        now, without = left(bot, len(chunks)), left(unaided, len(chunks))
        assert all(one >= other for one, other in zip(now, without, strict=True)), what


def only(bot: Bot) -> list[str]:
    [(_, change)] = bot.changes()
    bot.apply(change, len(change.do))
    return [effect.statement for effect in change.do]


def test_a_whole_mp3_that_waits_for_thirty_hours_is_marked_behind_a_copy_and_outlives_the_clean_up() -> None:
    for columns, mark in zip(COLUMNS, (MARK, MARK_LATER), strict=True):
        whole = (WINDOW_MS, WINDOW_MS)
        bot = planted(columns, "ended", [("queued", "whole", whole, None, 30, False, None)])
        assert only(bot) == ["copy_file", mark]
        bot.cleans_up()
        assert bot.rows == {}
        assert bot.left_of(0) == WHOLE


def test_without_the_copy_the_clean_up_would_have_destroyed_it() -> None:
    whole = (WINDOW_MS, WINDOW_MS)
    bot = planted(DOCUMENTED, "ended", [("queued", "whole", whole, None, 30, False, None)])
    [(_, change)] = bot.changes()
    mark = replace(change, do=change.do[1:])
    assert left(bot, 1) == [WHOLE]
    bot.apply(mark, 1)
    assert left(bot, 1) == [0], "what the property above would see"


def test_a_copy_that_is_there_and_the_same_is_rested_on_and_another_one_is_for_a_person() -> None:
    whole = (WINDOW_MS, WINDOW_MS)
    assert only(planted(DOCUMENTED, "ended", [("queued", None, whole, "same", 2, True, WINDOW_MS)])) == [MARK]
    other = planted(DOCUMENTED, "ended", [("queued", None, whole, "other", 2, True, WINDOW_MS)])
    assert list(other.changes()) == []


def test_an_mp3_whose_frames_end_early_is_not_marked_and_its_raw_audio_is_copied() -> None:
    cut = (WINDOW_MS, HALF)
    bot = planted(DOCUMENTED, "ended", [("queued", "whole", cut, None, 30, False, None)])
    assert list(bot.changes()) == []
    bot = planted(DOCUMENTED, "ended", [("failed", "whole", cut, None, 30, False, None)])
    [(_, change)] = bot.changes()
    assert [effect.values["source"] for effect in change.do] == [f"{TEMP}{bot.name(0)}"]


def test_a_flag_is_set_behind_a_copy_too() -> None:
    whole = (WINDOW_MS, WINDOW_MS)
    bot = planted(DOCUMENTED, "ended", [("done", None, whole, None, 2, False, WINDOW_MS)])
    assert only(bot) == ["copy_file", CLEANED]


def test_a_copy_is_not_taken_back_once_a_chunk_was_marked_behind_it() -> None:
    """It was copied while no row named it; its row came, and was marked: from then on the original may be deleted."""
    whole = (WINDOW_MS, WINDOW_MS)
    bot = planted(DOCUMENTED, "ended", [("queued", None, whole, None, 30, True, WINDOW_MS)])
    bot.forgets(f"{0:016x}")
    assert only(bot) == ["copy_file"]
    bot.remembers(f"{0:016x}")
    assert only(bot) == [MARK], "it rests on the copy that is there"
    assert bot.takes_back(0) is not None
    assert left(bot, 1) == [WHOLE]


def test_a_copy_on_which_nothing_rests_is_taken_back() -> None:
    bot = planted(DOCUMENTED, "ended", [("queued", "whole", None, None, 2, False, None)])
    assert only(bot) == ["copy_file"]
    copies = [key for key in bot.files if key.startswith(RESCUE)]
    bot.takes_back(0)
    assert len(copies) == 1
    assert copies[0] not in bot.files
