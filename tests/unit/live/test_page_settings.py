"""Settings of the page: it stays on this machine unless two things are said."""

import pytest
from pydantic import ValidationError

from fanfold.live.settings import LiveSettings, PageSettings


def test_the_page_is_on_at_a_free_port_of_this_machine() -> None:
    page = LiveSettings().page
    assert (page.enabled, page.host, page.port, page.names) == (True, "127.0.0.1", 0, ())


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1"])
def test_this_machine_needs_nothing_more(host: str) -> None:
    assert PageSettings(host=host).host == host


def test_another_address_needs_the_names_it_is_asked_by() -> None:
    with pytest.raises(ValidationError, match="another one needs names"):
        PageSettings(host="0.0.0.0")  # noqa: S104
    assert PageSettings(host="0.0.0.0", names=("desk.example",)).names == ("desk.example",)  # noqa: S104


@pytest.mark.parametrize("names", [("http://desk",), ("a b",), ("",), ("a",) * 17])
def test_a_name_is_a_hosts(names: tuple[str, ...]) -> None:
    with pytest.raises(ValidationError):
        PageSettings(names=names)
