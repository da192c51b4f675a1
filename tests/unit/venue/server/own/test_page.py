import re

import pytest
from tests.fakes.venue_rest import Rest, served


@pytest.mark.parametrize("path", ["/_venue", "/_venue/", "//_venue/"])
def test_the_page_needs_nothing_from_elsewhere(path: str) -> None:
    async def work(rest: Rest) -> None:
        status, page, headers = await rest.ask("GET", path)
        assert status == 200
        assert headers["Content-Type"].startswith("text/html")
        assert "default-src 'none'" in headers["Content-Security-Policy"]
        assert re.findall(r"(?:src|href)=\"(?!data:|/_venue/)", page) == []
        assert "http" not in page

    served(work)


def test_what_the_venue_says_never_becomes_markup() -> None:
    async def work(rest: Rest) -> None:
        _, page, _ = await rest.ask("GET", "/_venue/")
        assert re.findall(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write", page) == []

    served(work)
