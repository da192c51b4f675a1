"""The live page in a real browser, over a deployment that trades at the local venue."""

import os
import re
import signal
from collections.abc import Generator
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, expect
from tests.fakes.live_page import (
    CHECKS,
    DESKTOP,
    PHONE,
    Looking,
    Scheme,
    Trading,
    browser_file,
    looking,
    number_of,
    rows_of,
    trading,
    until_equal,
)

expect.set_options(timeout=60_000)
# What outlives the command outlives this process' interest in it too.
pytestmark = pytest.mark.filterwarnings("ignore:subprocess .* is still running:ResourceWarning")

WRONG = "wrong-but-long-enough-to-be-a-token"


@pytest.fixture(scope="module")
def deployment(tmp_path_factory: pytest.TempPathFactory) -> Generator[Trading]:
    browser_file()
    with trading(tmp_path_factory.mktemp("page")) as made:
        yield made


@pytest.fixture(scope="module")
def browser(deployment: Trading) -> Generator[Looking]:
    assert deployment.url  # it outlives the browser, whose loop forbids others
    with looking() as made:
        yield made


@pytest.fixture
def eyes(browser: Looking, deployment: Trading) -> Generator[Looking]:
    """Whatever a test does, no page asks elsewhere, complains, or tells the token."""
    browser.asked, browser.complaints = [], []
    yield browser
    for context in browser.contexts:
        context.close()
    browser.contexts = []
    origin = f"{urlsplit(deployment.url).scheme}://{urlsplit(deployment.url).netloc}/"
    elsewhere = [url for url in browser.asked if not url.startswith((origin, "data:"))]
    assert elsewhere == []
    assert not [url for url in browser.asked if deployment.token in url or WRONG in url]
    assert browser.complaints == []


def tiles_of(page: Page) -> dict[str, str]:
    found: dict[str, str] = page.locator("#tiles").evaluate(
        "tiles => Object.fromEntries([...tiles.children].map(one => "
        "[one.children[0].textContent, one.children[1].textContent]))"
    )
    return found


def test_numbers_are_those_of_the_api_and_of_the_venue(deployment: Trading, eyes: Looking) -> None:
    page = eyes.live(deployment.with_token)
    deployment.until(lambda state: bool(state["positions"]) and len(state["fills"]) > 1)
    with deployment.frozen() as state:
        money, account = state["money"], deployment.venue("/v2/account")
        figures = {
            "Equity": f"{money['equity']:,.2f}",
            "Cash": f"{float(account['cash']):,.2f}",
            "Gross exposure": f"{money['gross']:,.2f}",
            "Reserved by orders": f"{money['reserved']:,.2f}",
        }
        until_equal(page, lambda: {name: tiles_of(page)[name] for name in figures}, figures)
        until_equal(
            page,
            lambda: {row[0]: number_of(row[1]) for row in rows_of(page, "positions")},
            deployment.held(),
        )
        until_equal(
            page,
            lambda: [
                (row[1], {"bought": "buy", "sold": "sell"}[row[2]], *map(number_of, row[3:5]))
                for row in rows_of(page, "fills")
            ],
            [
                (one["symbol"], one["side"], float(one["qty"]), float(one["price"]))
                for one in deployment.venue("/v2/account/activities/FILL")[:50]
            ],
        )
        until_equal(
            page,
            lambda: sorted(
                (row[0], number_of(row[3]), row[4], row[5]) for row in rows_of(page, "orders")
            ),
            sorted(
                (one["symbol"], one["left"], shown_price(one["limit"]), shown_price(one["stop"]))
                for one in state["orders"]
            ),
        )
        until_equal(
            page,
            lambda: [(row[0], *map(number_of, row[1:3])) for row in rows_of(page, "quotes")],
            [(one["symbol"], one["bid"], one["ask"]) for one in state["quotes"]],
        )
        armed = {one["name"].replace("_", " "): one["pid"] for one in state["components"]}
        until_equal(
            page, lambda: {row[0]: int(row[2]) for row in rows_of(page, "components")}, armed
        )
    expect(page.locator("#name")).to_have_text("demo")
    expect(page.locator("#mode")).to_have_text("LOCAL")
    expect(page.locator("#status")).to_have_text("up")


def shown_price(price: float | None) -> str:
    return "–" if price is None else f"{price:,.4f}".rstrip("0").ljust(len(f"{price:,.2f}"), "0")


def test_prices_move_and_the_chart_grows(deployment: Trading, eyes: Looking) -> None:
    page = eyes.live(deployment.with_token)
    bid = page.locator("#quotes tbody tr:first-child td").first
    before = bid.text_content()
    assert before is not None
    expect(bid).not_to_have_text(before)
    expect(page.locator("path.equity")).to_have_attribute("d", re.compile("M.+L.+L"))
    reading = page.locator("#reading")
    expect(reading).to_have_text(re.compile(r"equity [\d,]+\.\d\d, drawdown [\d.]+\s%"))
    newest = reading.text_content()
    box = page.locator("#chart").bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 10, box["y"] + 50)
    expect(reading).not_to_have_text(str(newest))
    page.get_by_text("The same as a table").click()
    expect(page.locator("#equity-table tbody tr").nth(1)).to_be_visible()
    # What was expected, or that nothing says so; a first answer may still be computed.
    expect(page.locator("#expected")).to_have_text(re.compile("^(Expected: .+|No expectation: .+)"))
    assert rows_of(page, "latency")
    expect(page.locator("#latency svg.spread .bars").first).to_have_attribute("d", re.compile("M"))


def test_a_token_is_asked_for_and_stays_out_of_sight(deployment: Trading, eyes: Looking) -> None:
    page = eyes.at(deployment.url)
    form = page.locator("#key-form")
    expect(form).to_be_visible()
    expect(page.locator("#kill")).to_be_disabled()
    expect(page.locator("#positions")).to_be_hidden()
    field = page.get_by_role("textbox", name="Token")
    expect(field).to_be_focused()
    field.fill(WRONG)
    field.press("Enter")
    expect(page.locator("#key-why")).to_contain_text("refused")
    refused = [one for one in eyes.complaints if "401" in one]
    assert refused == eyes.complaints != []
    eyes.complaints.clear()
    field.fill(deployment.token)
    field.press("Enter")
    page.locator("body[data-link=live][data-known]").wait_for()
    expect(form).to_be_hidden()
    page.goto(f"{deployment.url}#token={deployment.token}")
    expect(page).to_have_url(deployment.url)
    page.reload()
    page.locator("body[data-link=live][data-known]").wait_for()
    assert page.evaluate("document.cookie + JSON.stringify({...localStorage})") == "{}"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [PHONE, DESKTOP], ids=["phone", "desktop"])
def test_everybody_can_use_it(
    deployment: Trading, eyes: Looking, size: tuple[int, int], scheme: Scheme
) -> None:
    page = eyes.live(deployment.with_token, size, scheme, reduced_motion="reduce")
    page.locator("#latency tbody tr").first.wait_for()
    for summary in page.locator("summary").all():
        summary.click()
    page.locator("#gauges tbody tr").first.wait_for()
    assert page.evaluate(CHECKS) == []
    page.get_by_role("button", name="Kill…").click()
    expect(page.get_by_role("dialog")).to_be_visible()
    assert page.evaluate(CHECKS) == []
    page.keyboard.press("Escape")
    running = "document.getAnimations().filter(one => one.playState === 'running').length"
    assert page.evaluate(running) == 0
    page.set_viewport_size({"width": 320, "height": 700})  # 400 % zoom of a desktop
    assert page.evaluate("document.documentElement.scrollWidth") <= 320


def test_a_version_goes_live_only_through_its_gates(deployment: Trading, eyes: Looking) -> None:
    name = deployment.add_version()
    page = eyes.live(deployment.with_token)
    row = page.locator("#versions tbody tr")
    expect(row).to_contain_text(name)
    expect(row.get_by_role("listitem").filter(has_text="not measured")).not_to_have_count(0)
    page.get_by_role("button", name=f"Promote {name}…").click()
    page.get_by_role("button", name="Promote it").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_role("alert")).to_contain_text("it was not measured")
    dialog.get_by_role("button", name="Cancel").click()
    assert [one for one in eyes.complaints if "409" not in one] == []
    eyes.complaints.clear()
    expect(row).to_contain_text("candidate")
    expect(page.locator("#audit")).to_contain_text("POST /api/v1/promote")


def test_who_may_only_look_is_offered_no_act(deployment: Trading, eyes: Looking) -> None:
    page = eyes.live(f"{deployment.url}#token={deployment.viewer()}")
    expect(page.locator("#kill")).to_be_disabled()
    expect(page.locator("#told")).to_have_text("This token may look, and not act.")


def test_the_kill_button_asks_twice_and_leaves_it_flat(deployment: Trading, eyes: Looking) -> None:
    deployment.until(lambda state: bool(state["positions"]))
    page = eyes.live(deployment.with_token, PHONE)
    button, dialog = page.locator("#kill"), page.get_by_role("dialog")
    button.focus()
    page.keyboard.press("Enter")
    expect(dialog.get_by_role("heading")).to_have_text("Kill demo (local)?")
    page.keyboard.press("Enter")  # pressed in a hurry: the title has the focus
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(button).to_be_focused()
    assert deployment.api("state")["latches"] == []

    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    page.keyboard.press("Control+A")
    page.keyboard.type("a test of the page")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(dialog.get_by_role("heading")).to_have_text("Really kill demo (local)?")
    assert deployment.api("state")["latches"] == []
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(dialog.get_by_role("heading")).to_have_text("Killed: it is flat")
    assert deployment.held() == {}
    assert deployment.venue("/v2/orders?status=open") == []
    dialog.get_by_role("button", name="Close").click()
    expect(page.locator("#status")).to_have_text("HALTED")
    expect(page.get_by_role("alert").filter(has_text="demo is halted")).to_be_visible()
    expect(page.locator("#latches")).to_contain_text("kill: a test of the page (owner")
    expect(page.locator("#positions")).to_contain_text("It holds nothing.")
    expect(page.locator("#audit")).to_contain_text("POST /api/v1/kill")

    page.get_by_role("button", name="Resume…").click()
    page.get_by_role("button", name="Reset what is ticked").click()
    expect(dialog).to_contain_text("Tick one at least.")
    page.get_by_label("kill: a test of the page").check()
    page.get_by_role("button", name="Reset what is ticked").click()
    expect(dialog).to_be_hidden()
    expect(page.locator("#halt")).to_be_hidden()
    expect(page.locator("#status")).to_have_text("up")


def test_old_figures_never_look_fresh(deployment: Trading, eyes: Looking) -> None:
    page = eyes.live(deployment.with_token)
    stale, link = page.locator("#stale"), page.locator("#link-words")
    expect(stale).to_be_hidden()
    pid = deployment.page_pid()
    os.kill(pid, signal.SIGSTOP)
    try:
        expect(stale).to_contain_text("Nothing newer has been heard")
        expect(link).to_contain_text("silent for")
        expect(page).to_have_title(re.compile("^OLD demo"))
    finally:
        os.kill(pid, signal.SIGKILL)
    # Its keeper makes the page's process anew, and the page comes back by itself.
    page.locator("body[data-link=live][data-old=no]").wait_for()
    expect(stale).to_be_hidden()
    assert deployment.page_pid() != pid
    eyes.complaints = [one for one in eyes.complaints if "Failed to load resource" not in one]
