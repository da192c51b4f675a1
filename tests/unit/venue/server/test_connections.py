"""Connections: who makes room, and who is cut off."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from aiohttp import web

from fanfold.venue.server import connections
from fanfold.venue.server.connections import Connection, Lobby


class Transport(asyncio.Transport):
    """What a connection writes to; it notes how it ends."""

    def __init__(self) -> None:
        super().__init__()
        self.ends: list[str] = []
        self.written = b""

    def write(self, data: Any) -> None:
        self.written += bytes(data)

    def close(self) -> None:
        self.ends.append("close")

    def abort(self) -> None:
        self.ends.append("abort")

    def is_closing(self) -> bool:
        return bool(self.ends)


Make = Callable[[], tuple[Connection, Transport]]


def among(most: int, work: Callable[[Lobby, Make], Awaitable[None]]) -> None:
    async def never(_request: web.BaseRequest) -> web.StreamResponse:
        return web.Response()

    async def serve() -> None:
        lobby, made = Lobby(most), []

        def make() -> tuple[Connection, Transport]:
            transport = Transport()
            connection = Connection(web.Server(never), lobby)
            connection.connection_made(transport)
            made.append(connection)
            return connection, transport

        await work(lobby, make)
        for connection in made:
            connection.connection_lost(None)
        await asyncio.sleep(0)

    asyncio.run(serve())


def test_who_never_asked_makes_room_before_who_waits() -> None:
    async def work(lobby: Lobby, make: Make) -> None:
        (busy, at_work), (idle, waits), (_, silent) = make(), make(), make()
        lobby.busy(busy)
        lobby.busy(idle)
        lobby.free(idle)
        _, newest = make()
        assert (at_work.ends, waits.ends, silent.ends) == ([], [], ["close"])
        lobby.busy(make()[0])  # in place of the one before, which never asked either
        make()
        assert (newest.ends, waits.ends, at_work.ends) == (["close"], ["close"], [])

    among(3, work)


def test_where_all_are_at_work_nobody_else_comes_in() -> None:
    async def work(lobby: Lobby, make: Make) -> None:
        connection, at_work = make()
        lobby.busy(connection)
        _, late = make()
        assert at_work.ends == []
        assert late.ends == ["close"]
        assert late.written.startswith(b"HTTP/1.1 503 ")
        assert late.written.endswith(b'"message":"too many connections"}')
        connection.connection_lost(None)
        assert make()[1].ends == []

    among(1, work)


def test_who_is_longest_at_an_answer_is_cut_off_where_too_much_waits(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(connections, "ANSWER_BYTES_MAX", 100)

    async def work(lobby: Lobby, make: Make) -> None:
        made = [make() for _ in range(3)]
        for connection, _ in made[:2]:
            lobby.takes(connection, 50)
        lobby.takes(made[2][0], 1_000)  # alone it may be as large as it is
        assert [transport.ends for _, transport in made] == [["abort"], ["abort"], []]
        lobby.took(made[2][0])
        lobby.takes(made[0][0], 100)
        assert made[2][1].ends == []

    among(3, work)


@pytest.mark.parametrize(
    ("files", "most"), [(-1, 2_000), (100_000, 2_000), (1_024, 824), (256, 64)]
)
def test_files_of_the_process_bound_its_connections(
    files: int, most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections.resource, "getrlimit", lambda _: (files, files))
    assert connections.connections_max() == most
