"""A deployment that trades at a local venue, and a browser that looks at its page."""

import json
import os
import re
import shutil
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from click.testing import CliRunner
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, sync_playwright

from fanfold.cli import main
from fanfold.live.folder import Folder
from fanfold.serving.access import FILE, add_token
from fanfold.serving.noted import noted_page
from fanfold.settings import read_settings
from fanfold.settings.live import LiveJob
from fanfold.workflows.live.local_venue import venue_keys_file
from fanfold.workflows.promotion.gates import plain_job
from fanfold.workflows.versions.store import Record, write_record
from fanfold.workflows.versions.version import version_of

REPO: Final = Path(__file__).parents[2]
CONFIG: Final = REPO / "configs" / "live_paper.yaml"
CHECKS: Final = (Path(__file__).parent / "page_checks.js").read_text()
BROWSERS: Final = ("chromium", "chromium-browser", "google-chrome")
SEEN_S: Final = 60.0
PHONE, DESKTOP = (390, 844), (1280, 900)
# It buys breakouts with a bracket, so that there are positions and resting orders soon.
SET: Final = (
    "live.host.hosts=processes", "strategy.name=DonchianBreakout",
    "strategy.params={entry_period: 3, exit_period: 3, atr_period: 5, stop: 4, profit: 20}",
    "venue.speed=30",
)  # fmt: skip
Scheme = Literal["light", "dark"]
NOT_YET: Final = re.compile(r"/api/v1/(expectation|comparison|versions)$")
"""What may not exist yet: a browser tells of such an answer by itself."""


def browser_file() -> str:
    """The browser of this machine; skips where there is none."""
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if found is None:
        pytest.skip("no chromium here: infra/system.sh chromium installs Debian's")
    return found


@dataclass
class Trading:
    """A deployment from the outside: its API, its page's address, its venue."""

    folder: Folder
    url: str
    token: str
    venue_url: str
    api_line: requests.Session = field(default_factory=requests.Session)
    venue_line: requests.Session = field(default_factory=requests.Session)

    def __post_init__(self) -> None:
        key, secret = json.loads(venue_keys_file(self.folder).read_bytes())
        self.api_line.trust_env = self.venue_line.trust_env = False
        self.api_line.headers["Authorization"] = f"Bearer {self.token}"
        self.venue_line.headers.update({"APCA-API-KEY-ID": key, "APCA-API-SECRET-KEY": secret})

    @property
    def with_token(self) -> str:
        """The address that `fanfold live up` told."""
        return f"{self.url}#token={self.token}"

    def api(self, path: str) -> Any:
        """What the API says."""
        answer = self.api_line.get(f"{self.url}api/v1/{path}", timeout=30)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def venue(self, path: str, body: Any = None) -> Any:
        """What the venue says, or is told."""
        answer = self.venue_line.request(
            "GET" if body is None else "POST", self.venue_url + path, json=body, timeout=30
        )
        assert answer.status_code < 300, answer.text
        return answer.json()

    def until(self, holds: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """The first state for which something holds."""
        limit = time.monotonic() + SEEN_S
        while not holds(state := self.api("state")):
            assert time.monotonic() < limit, state
            time.sleep(0.2)
        return state

    @contextmanager
    def frozen(self) -> Generator[dict[str, Any]]:
        """The venue's clock stands, and API and venue have come to agree; the API's state."""
        self.venue("/_venue/clock", {"speed": 0})
        try:
            yield self.until(self._agrees)
        finally:
            self.venue("/_venue/clock", {"speed": 30})

    def held(self) -> dict[str, float]:
        """Units of each symbol, at the venue."""
        return {one["symbol"]: float(one["qty"]) for one in self.venue("/v2/positions")}

    def _agrees(self, state: dict[str, Any]) -> bool:
        names = {one["client_order_id"] for one in self.venue("/v2/orders?status=open")}
        return (
            {one["symbol"]: one["units"] for one in state["positions"]} == self.held()
            and {one["client_order_id"] for one in state["orders"]} == names
            and len(state["fills"]) == min(50, len(self.venue("/v2/account/activities/FILL")))
            and state["money"]["cash"] == float(self.venue("/v2/account")["cash"])
        )

    def add_version(self) -> str:
        """Note a version that nothing was measured of, and nothing was traded by; its name."""
        job = read_settings(CONFIG, (*SET, "strategy.params.profit=30"), LiveJob)
        version = version_of(job)
        write_record(Record(version=version, job=plain_job(job), at=time.time_ns()))
        return version.id

    def viewer(self) -> str:
        """A new token that may look, and not act."""
        return add_token(self.folder.path / FILE, "viewer", "view")

    def page_pid(self) -> int:
        """Process of the page."""
        page = noted_page(self.folder)
        assert page is not None
        return page.pid


@contextmanager
def trading(home: Path) -> Generator[Trading]:
    """Bring a deployment up in a home of its own, and down again."""
    # What the sample is converted to, and what was compiled, is kept: making it takes long.
    kept = Path(os.environ["FANFOLD_HOME"])
    for each in kept.iterdir() if kept.is_dir() else ():
        if each.name != "live":
            (home / each.name).symlink_to(each)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FANFOLD_HOME", str(home))
        patch.delenv("FANFOLD_API_TOKEN", raising=False)
        patch.chdir(REPO)
        try:
            up = _run("up", str(CONFIG), *(word for one in SET for word in ("--set", one)))
            url = urlsplit(str(up["url"]))
            yield Trading(
                folder=Folder(Path(up["folder"])),
                url=f"{url.scheme}://{url.netloc}{url.path}",
                token=parse_qs(url.fragment)["token"][0],
                venue_url=up["venue"]["rest_url"],
            )
        finally:
            _run("down")


def _run(*words: str) -> dict[str, Any]:
    done = CliRunner().invoke(main, ["live", *words, "--json"])
    assert done.exit_code == 0, (done.exit_code, done.output)
    return json.loads(done.stdout.splitlines()[-1])


@dataclass
class Looking:
    """A browser, with everything that its pages asked for and complained of."""

    browser: Browser
    contexts: list[BrowserContext] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    def at(
        self,
        address: str,
        size: tuple[int, int] = DESKTOP,
        scheme: Scheme = "light",
        **options: Any,
    ) -> Page:
        """Open an address in a context of its own, as one in New York would see it."""
        context = self.browser.new_context(
            viewport={"width": size[0], "height": size[1]}, color_scheme=scheme,
            locale="en-US", timezone_id="America/New_York", **options,
        )  # fmt: skip
        self.contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(1_000 * SEEN_S)
        page.on("request", lambda request: self.asked.append(request.url))
        page.on("pageerror", lambda error: self.complaints.append(f"page: {error}"))
        page.on("console", self._hear)
        page.goto(address)
        return page

    def live(self, address: str, *more: Any, **options: Any) -> Page:
        """Open the page and wait until its figures are live."""
        page = self.at(address, *more, **options)
        page.locator("body[data-link=live][data-known]").wait_for()
        return page

    def _hear(self, said: ConsoleMessage) -> None:
        if said.type in ("error", "warning") and not NOT_YET.search(said.location["url"]):
            self.complaints.append(f"{said.text} {said.location['url']}")


@contextmanager
def looking() -> Generator[Looking]:
    """A browser of this machine."""
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=browser_file())
        try:
            yield Looking(browser)
        finally:
            browser.close()


def rows_of(page: Page, table: str) -> list[list[str]]:
    """Texts of a table's cells, row by row."""
    found: list[list[str]] = page.locator(f"#{table} tbody tr").evaluate_all(
        "rows => rows.map(row => [...row.children].map(cell => cell.textContent))"
    )
    return found


def number_of(text: str) -> float:
    """A shown number, or NaN for a dash."""
    plain = text.replace(",", "").replace("−", "-").replace("\xa0%", "")
    return float("nan") if plain == "–" else float(plain)


def until_equal(page: Page, found: Callable[[], Any], wanted: Any) -> None:
    """Wait until the page shows what it must; fails with what it shows instead."""
    limit = time.monotonic() + SEEN_S
    while (shown := found()) != wanted and time.monotonic() < limit:
        page.wait_for_timeout(100)
    assert shown == wanted
