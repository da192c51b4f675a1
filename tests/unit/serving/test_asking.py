"""Codes of what must be asked twice."""

import pytest

from fanfold.errors import ConfigError
from fanfold.serving.asking import Codes


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_code_is_good_once() -> None:
    codes = Codes(30)
    code = codes.ask("desk")
    codes.take("desk", code)
    with pytest.raises(ConfigError, match="was another"):
        codes.take("desk", code)


def test_a_code_is_good_for_a_while() -> None:
    clock = Clock()
    codes = Codes(30, clock)
    code = codes.ask("desk")
    clock.now = 30.5
    with pytest.raises(ConfigError, match="good for 30 s"):
        codes.take("desk", code)


def test_only_the_last_code_of_the_same_token_is_good() -> None:
    codes = Codes(30)
    first, other = codes.ask("desk"), codes.ask("phone")
    last = codes.ask("desk")
    for wrong in (first, other, "", "é"):
        with pytest.raises(ConfigError):
            codes.take("desk", wrong)
    codes.take("desk", last)
    codes.take("phone", other)
