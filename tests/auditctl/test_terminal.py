import shlex

import pytest

from tests.auditctl.processes import terminal
from tests.auditctl.scripted_service import (
    AUDIT,
    AUDIT_ID,
    DROPPED,
    SOON,
    Reply,
    ScriptedService,
    accepted_document,
    audit_document,
    ended_document,
    progress_document,
)

SUMMARY = {
    "headline": "staging: 3 recordings are hidden in storage.",
    "environment": "staging",
    "storage_account": "finalsa",
    "ingest_account": "ingestsa",
    "database": {"host": "db.example", "name": "pre"},
    "counts": {"unregistered_recording": 3, "in_flight": 3, "unverified": 4, "expected_empty": 1_204, "no_ism": 0},
    "asking": {
        "high": {"unregistered_recording": 2},
        "medium": {"unregistered_recording": 1},
        "unknown": {"unverified": 4},
    },
}
HIDE_CURSOR, SHOW_CURSOR = "\x1b[?25l", "\x1b[?25h"


def test_a_bar_and_then_a_summary(service: ScriptedService) -> None:
    service.on("POST", "/audits", Reply(accepted_document(), 202, SOON))
    service.on(
        "GET",
        AUDIT,
        Reply(audit_document(phase="plan", progress=progress_document(scanned=None, eta=None)), headers=SOON),
        Reply(audit_document(), headers=SOON),
        Reply(ended_document(1, "findings")),
    )

    with terminal("run", "--wait") as screen:
        code = screen.wait()

    assert code == 1
    assert HIDE_CURSOR in screen.raw
    assert screen.raw.rindex(SHOW_CURSOR) > screen.raw.rindex(HIDE_CURSOR)
    summary = screen.text[screen.text.rindex("completed") :]
    told = [
        "findings    3 recordings are in storage that no row accounts for",
        "verdict",
        "recoverable",
        "absent",
        "1,204",
        "20,000 containers listed: 19,998 scanned, 2 skipped, 0 failed",
        f"{service.url}{AUDIT}/report",
        f"{service.url.removesuffix('/api')}/api/ui/{AUDIT_ID}",
        f"auditctl report {AUDIT_ID} --format html --output audit-{AUDIT_ID}.html",
    ]
    places = [summary.index(each) for each in told]
    assert places == sorted(places), "the summary tells these in this order"
    assert "unverified" not in summary, "a verdict that was never given is not worth a line"


def test_the_phases_of_a_short_audit_are_seen(service: ScriptedService) -> None:
    slowly = {"Retry-After": "20"}
    service.on("POST", "/audits", Reply(accepted_document(), 202, slowly))
    phases = ("list", "scan", "reconcile")
    seen = [Reply(audit_document(phase=phase), headers=slowly) for phase in phases]
    service.on("GET", AUDIT, *seen, Reply(ended_document(0, "clean")))

    with terminal("run", "--wait") as screen:
        assert screen.wait() == 0

    places = [screen.text.index(f"{word} ") for word in ("queued", *phases, "completed")]
    assert places == sorted(places)


def test_the_bar_shows_phase_percent_containers_and_the_estimated_time_when_given(service: ScriptedService) -> None:
    service.on(
        "GET",
        AUDIT,
        Reply(audit_document(), headers=SOON),
        Reply(audit_document(progress=progress_document(scanned=9_000, eta=None)), headers={"Retry-After": "60"}),
    )

    with terminal("watch", AUDIT_ID) as screen:
        screen.wait_for("9,000/20,000 containers")
        screen.press("\x03")
        screen.wait()

    first = screen.text[: screen.text.index("9,000/20,000")]
    assert "scan " in first
    assert " 42% 8,412/20,000 containers eta 0:03:10 " in first
    later = screen.text[screen.text.index("9,000/20,000") :]
    assert "eta" not in later
    assert "━" in first


def test_ctrl_c_stops_the_watching_and_says_how_to_go_on(service: ScriptedService) -> None:
    service.on("GET", AUDIT, Reply(audit_document(), headers={"Retry-After": "60"}))

    with terminal("--url", service.url, "watch", AUDIT_ID) as screen:
        screen.wait_for("8,412/20,000")
        screen.press("\x03")
        code = screen.wait()

    assert code == 130
    assert f"audit {AUDIT_ID} goes on" in screen.text
    assert f"auditctl --url {service.url} watch {AUDIT_ID}" in screen.text
    assert f"auditctl --url {service.url} cancel {AUDIT_ID}" in screen.text
    assert "Traceback" not in screen.text
    assert SHOW_CURSOR in screen.raw
    assert service.times("POST", f"{AUDIT}/cancel") == 0, "stopping the watching must not stop the audit"


def test_trouble_is_told_once_above_the_bar(service: ScriptedService) -> None:
    busy = Reply({"title": "The database is busy"}, 503, SOON)
    service.on("GET", AUDIT, Reply(audit_document(), headers=SOON), busy, busy, busy, Reply(ended_document(0, "clean")))

    with terminal("watch", AUDIT_ID) as screen:
        code = screen.wait()

    assert code == 0
    assert screen.text.count("The database is busy Trying again for 120 s.") == 1
    assert screen.text.count("It goes on.") == 1


def test_a_dropped_connection_does_not_leave_the_terminal_without_a_cursor(service: ScriptedService) -> None:
    service.on("GET", AUDIT, Reply(audit_document(), headers=SOON), DROPPED)

    with terminal("watch", AUDIT_ID, "--patience", "0.2") as screen:
        code = screen.wait()

    assert code == 4
    assert screen.raw.rindex(SHOW_CURSOR) > screen.raw.rindex(HIDE_CURSOR)
    assert f"next:  When the service answers again: auditctl watch {AUDIT_ID}" in screen.text


def test_an_audit_that_has_ended_gets_its_summary_without_a_bar(service: ScriptedService) -> None:
    service.on("GET", AUDIT, Reply(ended_document(3, "incomplete", "incomplete")))

    with terminal("--url", service.url, "watch", AUDIT_ID, columns=40) as screen:
        code = screen.wait()

    assert code == 3
    assert HIDE_CURSOR not in screen.raw
    assert "incomplete  3 recordings" in screen.text
    command = next(line for line in screen.text.splitlines() if line.strip().startswith("get it"))
    words = shlex.split(command)[2:]
    assert words[:5] == ["auditctl", "--url", service.url, "report", AUDIT_ID], "it can be pasted, no line is broken"
    assert words[-1] == f"audit-{AUDIT_ID}.html"


def test_what_needs_a_person_is_told_by_severity_and_apart_from_what_does_not(service: ScriptedService) -> None:
    service.on("GET", AUDIT, Reply(ended_document(1, "findings", summary=SUMMARY)))

    with terminal("watch", AUDIT_ID, columns=120) as screen:
        assert screen.wait() == 1

    lines = [line.split() for line in screen.text.splitlines()]
    start = lines.index(["severity", "verdict", "count"])
    assert lines[start + 1 : start + 4] == [
        ["high", "unregistered_recording", "2"],
        ["medium", "unregistered_recording", "1"],
        ["unknown", "unverified", "4"],
    ]
    assert " no action   1,204 expected_empty, 3 in_flight\n" in screen.text
    assert (
        " audited     staging: storage account finalsa, ingest account ingestsa, database pre at db.example\n"
        in screen.text
    )


@pytest.mark.parametrize(
    ("link", "key", "shown"),
    [
        (f"/api{AUDIT}/report?format=html", {}, True),
        (f"/api{AUDIT}/report?format=html", {"AUDITCTL_KEY": "a-function-key"}, False),
        ("https://door.example/api/x/report?format=html", {"AUDITCTL_KEY": "a-function-key"}, True),
    ],
)
def test_a_page_is_named_only_where_a_browser_can_open_it(
    service: ScriptedService, link: str, key: dict[str, str], *, shown: bool
) -> None:
    service.on("GET", AUDIT, Reply(ended_document(0, "clean", links={"page": link})))

    with terminal("watch", AUDIT_ID, columns=160, **key) as screen:
        assert screen.wait() == 0

    assert (" page " in screen.text) is shown
    assert ("(opens with the function key only)" in screen.text) is bool(key)
    assert f"get it      auditctl report {AUDIT_ID} --format html" in screen.text


@pytest.mark.parametrize("columns", [40, 200])
def test_the_bar_is_one_line_at_any_width(service: ScriptedService, columns: int) -> None:
    service.on("GET", AUDIT, Reply(audit_document(), headers=SOON), Reply(ended_document(0, "clean")))

    with terminal("watch", AUDIT_ID, columns=columns) as screen:
        assert screen.wait() == 0

    drawn = [line for line in screen.text.replace("\r", "\n").split("\n") if line.startswith(("scan", "completed"))]
    assert drawn
    assert all(len(line) <= columns for line in drawn)


def test_a_dumb_terminal_gets_plain_lines(service: ScriptedService) -> None:
    service.on("GET", AUDIT, Reply(ended_document(0, "clean")))

    with terminal("watch", AUDIT_ID, TERM="dumb") as screen:
        assert screen.wait() == 0

    assert "\x1b" not in screen.raw
    assert "event=ended" in screen.text


def test_json_on_a_terminal_shows_progress_lines_on_standard_error_only(service: ScriptedService) -> None:
    service.on("GET", AUDIT, Reply(audit_document(), headers=SOON), Reply(ended_document(0, "clean")))

    with terminal("watch", AUDIT_ID, "--json") as screen:
        assert screen.wait() == 0

    assert "\x1b" not in screen.raw
    assert screen.text.index("event=progress") < screen.text.index('"state": "completed"')


@pytest.mark.parametrize(("columns", "headline"), [(80, []), (200, ["headline"])])
def test_a_list_is_a_table(service: ScriptedService, columns: int, headline: list[str]) -> None:
    service.on("GET", "/audits", Reply({"audits": [ended_document(1, "findings"), audit_document()]}))

    with terminal("list", columns=columns) as screen:
        assert screen.wait() == 0

    lines = screen.text.splitlines()
    assert lines[0].split() == ["audit", "profile", "outcome", "started", "(UTC)", *headline]
    assert lines[1].split()[:5] == [AUDIT_ID, "pre", "findings", "2026-01-31", "08:00"]
    assert lines[2].split() == [AUDIT_ID, "pre", "running", "2026-01-31", "08:00"]
    assert all(len(line) <= columns for line in lines)


HOSTILE = "[bold red]x[/] :boom: \x1b]0;owned\x07\x1b[2J\x9b31m\u202e\r\ny"


@pytest.mark.parametrize("words", [["watch", AUDIT_ID], ["list"], ["report", AUDIT_ID]])
def test_text_from_the_service_cannot_command_the_terminal(service: ScriptedService, words: list[str]) -> None:
    hostile = ended_document(1, "findings", summary={"headline": HOSTILE, "counts": {HOSTILE: 1}})
    service.on("GET", AUDIT, Reply(audit_document(profile=HOSTILE, phase=HOSTILE), headers=SOON), Reply(hostile))
    service.on("GET", "/audits", Reply({"audits": [hostile]}))
    service.on("GET", f"{AUDIT}/report", Reply(HOSTILE.encode()))

    with terminal(*words, columns=200) as screen:
        screen.wait()

    as_it_is = r"[bold red]x[/] :boom: \u001b]0;owned\u0007\u001b[2J\u009b31m\u202e"
    assert as_it_is in screen.text, "shown as it is, not as markup, and nothing of it hidden"
    for harm in ("\x1b]0;", "\x07", "\x1b[2J", "\x9b", "\u202e"):
        assert harm not in screen.raw
