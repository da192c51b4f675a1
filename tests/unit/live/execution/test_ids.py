import pytest
from hypothesis import given
from hypothesis import strategies as st

from fanfold.errors import ConfigError
from fanfold.live.execution.ids import client_order_id, is_fanfold, is_ours

PARTS = st.tuples(
    st.text(max_size=8),
    st.text(max_size=8),
    st.text("0123456789abcdef", min_size=1, max_size=16),
    st.text(max_size=8),
    st.integers(0, 2**63 - 1),
    st.sampled_from(["entry", "exit", "stop", "target", "flatten"]),
    st.integers(0, 100),
)


@given(one=PARTS, other=PARTS)
def test_equal_reasons_have_equal_names_and_others_have_not(
    one: tuple[str, str, str, str, int, str, int], other: tuple[str, str, str, str, int, str, int]
) -> None:
    name = client_order_id(*one)
    assert len(name) <= 48
    assert is_ours(one[2], name)
    assert is_fanfold(name)
    assert (client_order_id(*other) == name) == (other == one)


def test_a_name_does_not_change_over_versions() -> None:
    name = client_order_id("PA1", "sma", "0123abcd", "AAPL", 1_700_000_000_000_000_000, "entry", 0)
    assert name == "ff-0123abcd-2160077bdc6a0320831d8513e151"


def test_shifted_parts_make_another_name() -> None:
    one = client_order_id("a", "bc", "t", "X", 1, "entry", 0)
    assert one != client_order_id("ab", "c", "t", "X", 1, "entry", 0)


@pytest.mark.parametrize("tag", ["", "x" * 17, "A", "a-b", "ä", "a\n"])
def test_a_tag_is_small_letters_and_digits(tag: str) -> None:
    with pytest.raises(ConfigError, match="tag must be"):
        client_order_id("a", "b", tag, "X", 1, "entry", 0)


@pytest.mark.parametrize("name", ["", "ff-", "ff-t-", "ff-t-xyz", "b2c5", "ff-t-" + "0" * 27])
def test_other_names_are_not_ours(name: str) -> None:
    assert not is_fanfold(name)
    assert not is_ours("t", name)


def test_another_tag_is_not_ours() -> None:
    name = client_order_id("a", "b", "tag1", "X", 1, "entry", 0)
    assert not is_ours("tag", name)
    assert not is_ours("tag11", name)
