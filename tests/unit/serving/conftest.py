"""A deployment that is written down and does not run, and clients of its app."""

from collections.abc import Callable, Generator
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest
from tests.fakes.served import app_for, serving, written

from fanfold.live.folder import Folder
from fanfold.serving.limiting import Limits


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return written(tmp_path)


@pytest.fixture
def client_for(folder: Folder) -> Generator[Callable[[Limits], httpx.Client]]:
    """Make a client of the folder's app with other limits than usual."""
    with ExitStack() as stack:
        yield lambda limits: stack.enter_context(serving(app_for(folder, limits)))


@pytest.fixture
def client(client_for: Callable[[Limits], httpx.Client]) -> httpx.Client:
    return client_for(Limits())
