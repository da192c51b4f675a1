"""Tests on a cluster run one after the other: two of them would starve each other's start."""

import pytest

CLUSTERS = frozenset(("processors", "nodes", "head"))
"""Fixtures that start a cluster."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what uses a cluster."""
    for item in items:
        if isinstance(item, pytest.Function) and CLUSTERS & set(item.fixturenames):
            item.add_marker("cluster")
