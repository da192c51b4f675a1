"""Sockets carry what is sent, hold up who sends too much, and know who may speak."""

import time
from collections.abc import Generator
from pathlib import Path

import pytest
import zmq

from fanfold.errors import LiveError
from fanfold.live.folder import Folder
from fanfold.live.wires import (
    INBOX_ENVELOPES,
    OUTLET_ENVELOPES,
    Inbox,
    Wires,
    keys_file,
    read_addresses,
    remove_sockets,
    write_addresses,
)

NAMES = ("signal", "risk")
SEEN_S = 10.0


@pytest.fixture
def folder(tmp_path: Path) -> Generator[Folder]:
    made = Folder(tmp_path / "deployment")
    made.make()
    yield made
    remove_sockets(made)


def received(inbox: Inbox, count: int, seconds: float = SEEN_S) -> list[bytes]:
    until = time.monotonic() + seconds
    found: list[bytes] = []
    while len(found) < count and time.monotonic() < until:
        raw = inbox.take()
        if raw is None:
            inbox.socket.poll(10)
        else:
            found.append(raw)
    return found


@pytest.mark.parametrize("transport", ["ipc", "tcp"])
def test_what_is_sent_arrives_in_its_order(folder: Folder, transport: str) -> None:
    write_addresses(folder, NAMES, transport)  # type: ignore[arg-type]
    with Wires(folder, "risk") as risk, Wires(folder, "signal") as signal:
        inbox, outlet = risk.inbox(), signal.outlet("risk")
        sent = [str(number).encode() for number in range(1_000)]
        assert all(outlet.send(raw) for raw in sent)
        assert received(inbox, len(sent)) == sent


def test_an_outlet_waits_for_a_receiver_that_comes_later(folder: Folder) -> None:
    write_addresses(folder, NAMES, "ipc")
    with Wires(folder, "signal") as signal:
        outlet = signal.outlet("risk")
        assert outlet.send(b"early")
        with Wires(folder, "risk") as risk:
            assert received(risk.inbox(), 1) == [b"early"]
        assert outlet.send(b"between")  # the receiver has gone, and another comes
        with Wires(folder, "risk") as risk:
            assert received(risk.inbox(), 1) == [b"between"]


def test_a_full_outlet_says_no_and_loses_nothing(folder: Folder) -> None:
    write_addresses(folder, NAMES, "ipc")
    with Wires(folder, "risk") as risk, Wires(folder, "signal") as signal:
        inbox, outlet = risk.inbox(), signal.outlet("risk")
        room = INBOX_ENVELOPES + OUTLET_ENVELOPES + 100_000
        taken = next(number for number in range(room) if not outlet.send(b"%d" % number))
        assert taken >= OUTLET_ENVELOPES
        assert received(inbox, taken) == [b"%d" % number for number in range(taken)]


def test_sockets_and_keys_are_nobody_elses(folder: Folder) -> None:
    write_addresses(folder, NAMES, "tcp")
    assert folder.sockets.stat().st_mode & 0o777 == 0o700
    assert keys_file(folder).stat().st_mode & 0o777 == 0o600
    secret = keys_file(folder).read_text()
    for address in read_addresses(folder).values():
        assert address.public_key in secret
        assert address.endpoint.startswith("tcp://127.0.0.1:")
        assert "secret" not in repr(address)


@pytest.mark.parametrize("who", ["nobody", "a_stranger"])
def test_an_inbox_hears_only_keys_of_its_deployment(folder: Folder, who: str) -> None:
    write_addresses(folder, NAMES, "tcp")
    address = read_addresses(folder)["risk"]
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    stranger = context.socket(zmq.PUSH)
    stranger.linger = 0
    if who == "a_stranger":  # it knows the inbox's public key, which is no secret
        stranger.curve_publickey, stranger.curve_secretkey = zmq.curve_keypair()
        stranger.curve_serverkey = address.public_key.encode()
    try:
        with Wires(folder, "risk") as risk, Wires(folder, "signal") as signal:
            inbox = risk.inbox()
            stranger.connect(address.endpoint)
            stranger.send(b"let me in")
            assert signal.outlet("risk").send(b"one of us")
            assert received(inbox, 2, seconds=1.0) == [b"one of us"]
    finally:
        stranger.close()
        context.term()


def test_an_inbox_is_bound_once_over_tcp(folder: Folder) -> None:
    write_addresses(folder, NAMES, "tcp")
    with Wires(folder, "risk") as first, Wires(folder, "risk") as second:
        first.inbox()
        with pytest.raises(LiveError, match="inbox of risk must be free"):
            second.inbox()


def test_who_is_not_there_has_no_socket(folder: Folder) -> None:
    with pytest.raises(LiveError, match="addresses must be readable"):
        Wires(folder, "risk")
    write_addresses(folder, NAMES, "ipc")
    with Wires(folder, "risk") as risk, pytest.raises(LiveError, match="must be one of"):
        risk.outlet("oracle")
