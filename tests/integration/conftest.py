"""Tests on a cluster run one after the other: two of them would starve each other's start."""

import shutil
from pathlib import Path

import pytest

from fanfold.tracking.server import database_file, speaking, tracking_uri

CLUSTERS = frozenset(("processors", "nodes", "head"))
"""Fixtures that start a cluster."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what uses a cluster."""
    for item in items:
        if isinstance(item, pytest.Function) and CLUSTERS & set(item.fixturenames):
            item.add_marker("cluster")


@pytest.fixture(scope="session")
def empty_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """MLflow's database with nothing in it: making one takes seconds, copying it none."""
    uri = tracking_uri(tmp_path_factory.mktemp("empty"))
    with speaking(uri, "making a store"):
        database = database_file(uri)
    assert database is not None
    return database


@pytest.fixture
def with_a_store(empty_store: Path, tmp_path: Path) -> None:
    """Lay an empty store where a test's folder has its own."""
    (tmp_path / "mlruns").mkdir()
    shutil.copy(empty_store, tmp_path / "mlruns")
