import re

import pytest

from profiles.pre_capture_sessions import PROFILE
from reporting.look_up import MOST_NAMES, NamesToLookUp
from tests.profiles.pre_capture_sessions.world import SWEPT, encoded, reconciled, report_on, session, uuid_of


def case(name: str) -> str:
    return str(uuid_of(f"case of {name}"))


def asked(sql: str) -> list[str]:
    return re.findall(r"'([^']*)'", sql)


def test_the_cases_of_what_needs_a_person_are_asked_for_once_and_the_most_urgent_first() -> None:
    done = reconciled(
        [
            session("lost", **SWEPT, case_id=case("lost")),
            session("hidden", case_id=case("hidden")),
            session("hidden too", case_id=case("hidden")),
            session("unused", case_id=case("unused")),
            session("young", status="PROCESSING", case_id=case("young")),
        ],
        [encoded("a", of="hidden"), encoded("b", of="hidden too"), encoded("c", of="nobody")],
    )
    look_up = report_on(done)["look_up"]
    assert asked(look_up["sql"])[:2] == [case("hidden"), case("lost")]
    assert case("unused") not in look_up["sql"]
    assert look_up["cases"] == look_up["of"] == len(asked(look_up["sql"]))


def test_without_a_case_there_is_nothing_to_look_up() -> None:
    assert report_on(reconciled([session()]))["look_up"] is None


def test_a_statement_is_bounded_and_says_so() -> None:
    names = [f"session {number}" for number in range(MOST_NAMES + 1)]
    done = reconciled([session(name, **SWEPT, case_id=case(name)) for name in names])
    look_up = NamesToLookUp(done.findings).look_up(PROFILE)
    assert look_up is not None
    assert (look_up["cases"], look_up["of"]) == (MOST_NAMES, MOST_NAMES + 1)
    assert len(asked(look_up["sql"])) == MOST_NAMES


@pytest.mark.parametrize("hostile", ["", "1", "'; drop table cases; --", "0" * 32 + "'", "{case}"])
def test_only_ids_become_part_of_a_statement(hostile: str) -> None:
    with pytest.raises(ValueError, match="badly formed"):
        PROFILE.look_up([case("good"), hostile])


def test_an_id_in_another_spelling_becomes_the_usual_one() -> None:
    assert asked(PROFILE.look_up([f"{{{case('a').upper()}}}"])) == [case("a")]
