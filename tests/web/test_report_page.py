"""report.html in a real browser, served with the policy that the app sends."""

from collections.abc import Iterator
from typing import Any, Literal

import pytest
from playwright.sync_api import Browser, Page, Route

from reporting.policy import CONTENT_SECURITY_POLICY
from tests.reporting import samples
from tests.reporting.samples import finding, page_of, report, row
from tests.web.browser import a_browser, served

HOSTILE = "<script>document.title = 'taken'</script><img src=/x onerror=\"document.title = 'taken'\">"
HIDING = "gpj.\u202eexe\u200b"
STATEMENT = "select *\n  from cases\n where id in (\n{}\n);\n".format(
    ",\n".join(f"  '{samples.uuid_of(f'case {number}')}'" for number in range(40))
)
PAGES = {
    "/findings": page_of(samples.with_findings()),
    "/clean": page_of(samples.clean()),
    "/incomplete": page_of(samples.incomplete()),
    "/many": page_of(samples.many()),
    "/hostile": page_of(report([finding(reason=HOSTILE, session=row(status=HOSTILE))], headline=HOSTILE)),
    "/guided": page_of(
        report(
            [
                *samples.every_verdict(),
                finding("encode_lost", "soon", due="2026-03-09T09:30:00Z"),
                finding("encode_lost", "gone", due="2026-01-09T09:30:00Z"),
                finding("mixed_container", "hidden", reason=f"Container {HIDING} was looked at."),
            ],
            runbook="https://wiki.example/capture-audit",
            look_up={"sql": STATEMENT, "cases": 40, "of": 40},
        )
    ),
    "/long": page_of(
        report(
            [
                finding("mixed_container", subject={"kind": "container", "id": "x" * 200}),
                finding("available_without_row", session=row(status="RECORDING_AVAILABLE"), change="new"),
            ]
        )
    ),
}
# Cells whose content would run into the next one.
SPILLING = """() => [...document.querySelectorAll("th, td")]
  .filter(cell => cell.clientWidth && cell.scrollWidth > cell.clientWidth + 1 && !cell.closest(".unseen"))
  .map(cell => cell.textContent.trim().slice(0, 60))"""
Scheme = Literal["light", "dark"]
OPEN_ALL = "document.querySelectorAll('details').forEach(details => { details.open = true; })"

# For every text that is seen: its colour against the first ground behind it that is not transparent (WCAG 2.2, 1.4.3).
CONTRASTS = """() => {
  const parts = colour => colour.match(/[\\d.]+/g).map(Number);
  const luminance = ([r, g, b]) => [r, g, b].map(part => part / 255)
    .map(part => part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4)
    .reduce((sum, part, at) => sum + part * [0.2126, 0.7152, 0.0722][at], 0);
  const ground = element => {
    for (let at = element; at; at = at.parentElement) {
      const colour = parts(getComputedStyle(at).backgroundColor);
      if (colour.length < 4 || colour[3] > 0) return colour;
    }
    return [255, 255, 255];
  };
  const seen = new Map();
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const element = node.parentElement;
    if (!node.textContent.trim() || !element.getClientRects().length) continue;
    const style = getComputedStyle(element);
    const front = parts(element.namespaceURI.endsWith("svg") ? style.fill : style.color);
    const [dark, light] = [luminance(front), luminance(ground(element))].sort((one, other) => one - other);
    const name = `${element.tagName} ${element.getAttribute("class")} ${node.textContent.trim().slice(0, 30)}`;
    seen.set(name, (light + 0.05) / (dark + 0.05));
  }
  return [...seen];
}"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with a_browser() as opened:
        yield opened


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with served(PAGES, {"Content-Security-Policy": CONTENT_SECURITY_POLICY}) as base:
        yield base


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """An empty page; the test fails if anything is written to its console or thrown in it."""
    said: list[str] = []
    with browser.new_context(viewport={"width": 1280, "height": 900}) as context:
        opened = context.new_page()
        opened.on("console", lambda message: said.append(message.text))
        opened.on("pageerror", lambda error: said.append(str(error)))
        yield opened
    assert said == []


def rows(page: Page, severity: str = "") -> Any:
    return page.locator(f"table.findings{severity and f'.{severity}'} tbody:visible")


def column(page: Page, severity: str, number: int) -> list[str]:
    return page.locator(f"table.findings.{severity} tbody tr:first-child > :nth-child({number})").all_inner_texts()


@pytest.mark.parametrize("path", PAGES)
def test_the_page_works_under_its_policy_and_reaches_for_nothing_else(page: Page, address: str, path: str) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(f"{address}{path}")
    assert asked == [f"{address}{path}"]
    assert page.title().startswith("production · PRE capture sessions · ")
    assert page.evaluate("getComputedStyle(document.querySelector('header')).borderLeftStyle") == "solid"


def test_what_is_not_the_pages_own_script_does_not_run(browser: Browser, address: str) -> None:
    with browser.new_context() as context:
        page = context.new_page()
        page.goto(f"{address}/clean")
        page.evaluate("""() => {
            const script = document.createElement("script");
            script.textContent = "document.title = 'taken'";
            document.body.append(script);
        }""")
        assert page.title() == "production · PRE capture sessions · clean"


def test_the_text_filter_finds_ids_states_and_evidence(page: Page, address: str) -> None:
    page.goto(f"{address}/findings")
    total = rows(page).count()
    [wanted] = [f for f in samples.with_findings()["findings"] if f["verdict"] == "no_ism"]
    page.get_by_label("Text").fill(f"  {wanted['subject']['id'].upper()} ")
    assert rows(page).count() == 1
    assert page.get_by_role("status").inner_text() == f"1 of {total} shown"
    assert page.locator("#medium .none").is_visible()
    assert not page.locator("#medium table").is_visible()
    page.get_by_label("Text").fill("swept 1280x720")
    assert 1 < rows(page).count() < total
    page.get_by_label("Text").fill("zebra")
    assert rows(page).count() == 0
    page.get_by_role("button", name="Clear").click()
    assert rows(page).count() == total
    assert page.get_by_role("status").inner_text() == f"{total} shown"


def test_the_verdict_filter_and_the_new_ones_work_together(page: Page, address: str) -> None:
    page.goto(f"{address}/findings")
    page.locator("#filter").get_by_label("Verdict").select_option("unregistered_recording")
    assert rows(page).count() == 7
    page.get_by_label("only new").check()
    found = [f for f in samples.with_findings()["findings"] if f["verdict"] == "unregistered_recording"]
    assert rows(page).count() == sum(f["change"] == "new" for f in found) > 0


def test_a_step_and_a_bar_lead_to_their_findings(page: Page, address: str) -> None:
    page.goto(f"{address}/findings")
    page.locator("#first").get_by_role("link", name="unregistered_recording").click()
    assert rows(page).count() == 7
    assert page.evaluate("scrollY") > 0
    page.locator(".chart").get_by_role("link", name="no_duration").click()
    assert rows(page).count() == 1


def test_a_head_sorts_its_table_both_ways_and_says_so(page: Page, address: str) -> None:
    page.goto(f"{address}/findings")
    for number, name in enumerate(("Subject", "Verdict", "Hearing"), start=1):
        before = sorted(column(page, "high", number))
        head = page.locator("table.findings.high thead th").nth(number - 1)
        for direction, expected in (("ascending", before), ("descending", before[::-1])):
            head.get_by_role("button", name=name).click()
            assert head.get_attribute("aria-sort") == direction
            if name != "Subject":  # ids are compared with their numbers as numbers
                assert column(page, "high", number) == expected
    assert page.locator("thead th[aria-sort=descending]").count() == 1


def test_numbers_are_sorted_as_numbers_and_rows_keep_their_reasons(page: Page, address: str) -> None:
    page.goto(f"{address}/findings")
    page.locator("table.findings.high").get_by_role("button", name="Tracks").click()
    tracks = column(page, "high", 5)
    assert tracks == sorted(tracks, key=int)
    for body in rows(page, "high").all():
        verdict = body.get_attribute("data-verdict")
        assert verdict in body.locator("tr.why").inner_text()


def test_the_keyboard_is_enough(page: Page, address: str) -> None:
    page.goto(f"{address}/findings")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.id") == "filter-text"
    page.keyboard.type("no_ism")
    assert rows(page).count() == 1
    details = rows(page).locator("details")
    details.locator("summary").focus()
    page.keyboard.press("Enter")
    assert details.locator(".evidence").is_visible()


def test_without_its_script_the_page_shows_everything(browser: Browser, address: str) -> None:
    with browser.new_context(java_script_enabled=False) as context:
        page = context.new_page()
        page.goto(f"{address}/findings")
        assert rows(page).count() == 39
        assert not page.locator("#filter").is_visible()
        assert page.locator("thead button").count() == 0


@pytest.mark.parametrize("path", ["/findings", "/clean", "/incomplete", "/long", "/guided"])
def test_no_page_is_wider_than_its_window(page: Page, address: str, path: str) -> None:
    page.goto(f"{address}{path}")
    page.evaluate(OPEN_ALL)
    for width in (320, 390, 800, 1280):
        page.set_viewport_size({"width": width, "height": 844})
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert page.evaluate(SPILLING) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("path", ["/findings", "/clean", "/incomplete", "/guided"])
def test_every_text_can_be_read_in_both_schemes(page: Page, address: str, path: str, scheme: Scheme) -> None:
    page.emulate_media(color_scheme=scheme)
    page.goto(f"{address}{path}")
    page.evaluate(OPEN_ALL)
    for width in (1280, 390):
        page.set_viewport_size({"width": width, "height": 844})
        contrasts = page.evaluate(CONTRASTS)
        assert len(contrasts) > 50
        assert [text for text, ratio in contrasts if ratio < 4.5] == []


def test_the_printed_page_shows_the_evidence_and_no_controls(page: Page, address: str) -> None:
    page.goto(f"{address}/findings")
    page.emulate_media(media="print", color_scheme="dark")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert not page.locator("#filter").is_visible()
    assert page.locator("table.findings .evidence").first.is_visible()


def test_one_click_selects_the_whole_statement(page: Page, address: str) -> None:
    page.goto(f"{address}/guided")
    page.locator(".statement").click()
    assert page.evaluate("getSelection().toString()").strip() == STATEMENT.strip()


def test_what_turns_or_hides_text_is_seen(page: Page, address: str) -> None:
    page.goto(f"{address}/guided")
    assert r"Container gpj.\u202eexe\u200b was looked at." in page.locator("body").inner_text()
    page.get_by_label("Text").fill(r"\u202e")
    assert rows(page).count() == 1


def test_a_runbook_is_told_nothing_of_the_page(page: Page, address: str) -> None:
    asked: list[dict[str, str]] = []

    def answer(route: Route) -> None:
        asked.append(route.request.headers)
        route.fulfill(body="<p>Runbook</p>", content_type="text/html")

    page.context.route("https://wiki.example/**", answer)
    page.goto(f"{address}/guided?code=secret")
    page.locator("#first").get_by_role("link", name="Runbook").first.click()
    page.wait_for_url("https://wiki.example/capture-audit#*")
    assert [headers.get("referer") for headers in asked] == [None]
