"""Tokens: who they are, how they come and go, and what is kept of them."""

import os
import stat
from pathlib import Path

import pytest

from fanfold.errors import ConfigError, DataError
from fanfold.serving.access import (
    FILE,
    TOKEN_VARIABLE,
    TOKENS_MAX,
    Access,
    Who,
    add_token,
    owner_token,
    revoke_token,
    rotate_token,
    tokens_in,
)


def bearer(token: str) -> str:
    return f"Bearer {token}"


def test_a_token_is_who_it_was_made_for(tmp_path: Path) -> None:
    access = Access.of(tmp_path, {})
    phone = add_token(tmp_path / FILE, "phone", "view")
    desk = add_token(tmp_path / FILE, "desk", "trade")
    assert access.who(bearer(phone)) == Who("phone", "view")
    assert access.who(f"bearer {desk}") == Who("desk", "trade")


@pytest.mark.parametrize(
    "header", ["", "Bearer", "Bearer ", "Basic {}", "{}", "Bearer  {}", "Bearer {}x", "Bearer é"]
)
def test_anything_else_is_nobody(tmp_path: Path, header: str) -> None:
    token = add_token(tmp_path / FILE, "desk", "trade")
    assert Access.of(tmp_path, {}).who(header.format(token)) is None


def test_without_a_file_nobody_may(tmp_path: Path) -> None:
    assert Access.of(tmp_path, {}).who(bearer("a" * 43)) is None


def test_a_damaged_file_lets_nobody_in(tmp_path: Path) -> None:
    token = add_token(tmp_path / FILE, "desk", "trade")
    access = Access.of(tmp_path, {})
    assert access.who(bearer(token)) is not None
    (tmp_path / FILE).write_bytes(b"[{")
    assert access.who(bearer(token)) is None
    with pytest.raises(DataError, match="file of tokens"):
        tokens_in(tmp_path / FILE)


def test_the_file_holds_no_token_and_is_its_owners(tmp_path: Path) -> None:
    token = add_token(tmp_path / FILE, "desk", "trade")
    content = (tmp_path / FILE).read_text()
    assert token not in content
    assert "desk" in content
    assert stat.S_IMODE((tmp_path / FILE).stat().st_mode) == 0o600


def test_rotating_and_revoking_count_from_the_next_request_on(tmp_path: Path) -> None:
    access, file = Access.of(tmp_path, {}), tmp_path / FILE
    first = add_token(file, "desk", "trade")
    assert access.who(bearer(first)) is not None
    second = rotate_token(file, "desk")
    assert access.who(bearer(first)) is None
    assert access.who(bearer(second)) == Who("desk", "trade")
    revoke_token(file, "desk")
    assert access.who(bearer(second)) is None


def test_each_start_has_an_owner_of_its_own(tmp_path: Path) -> None:
    first, second = (owner_token(tmp_path / FILE) for _ in range(2))
    access = Access.of(tmp_path, {})
    assert access.who(bearer(first)) is None
    assert access.who(bearer(second)) == Who("owner", "trade")


@pytest.mark.parametrize("name", ["", "Desk", "a b", "-a", "a" * 41])
def test_a_name_that_is_none_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(ConfigError, match="token's name must be"):
        add_token(tmp_path / FILE, name, "view")


def test_names_are_taken_once_and_known_ones_only_change(tmp_path: Path) -> None:
    file = tmp_path / FILE
    add_token(file, "desk", "view")
    with pytest.raises(ConfigError, match="must be new"):
        add_token(file, "desk", "trade")
    for change in (rotate_token, revoke_token):
        with pytest.raises(ConfigError, match="one of desk, was 'phone'"):
            change(file, "phone")
    assert [one.role for one in tokens_in(file)] == ["view"]


def test_there_are_so_many_tokens_and_no_more(tmp_path: Path) -> None:
    file = tmp_path / FILE
    for number in range(TOKENS_MAX):
        add_token(file, f"t{number}", "view")
    with pytest.raises(ConfigError, match="at most 32"):
        add_token(file, "more", "view")
    assert len(tokens_in(file)) == TOKENS_MAX


def test_the_environments_token_takes_the_place_of_all(tmp_path: Path) -> None:
    kept = add_token(tmp_path / FILE, "desk", "trade")
    access = Access.of(tmp_path, {TOKEN_VARIABLE: "e" * 30})
    assert access.who(bearer("e" * 30)) == Who("environment", "trade")
    assert access.who(bearer(kept)) is None


def test_a_short_token_in_the_environment_is_refused_without_being_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="24 to 256 characters, had 6") as told:
        Access.of(tmp_path, {TOKEN_VARIABLE: "secret"})
    assert "secret" not in str(told.value)


def test_many_at_once_lose_no_token(tmp_path: Path) -> None:
    children: list[int] = []
    for number in range(6):
        child = os.fork()
        if child == 0:
            add_token(tmp_path / FILE, f"t{number}", "view")
            os._exit(0)
        children.append(child)
    assert [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children] == [0] * 6
    assert len(tokens_in(tmp_path / FILE)) == 6
