"""Sockets between the components: one inbox each, and an outlet to whoever is told something.

On one node they are files in a folder that is its owner's alone. Over TCP both ends prove
themselves with CURVE keys, and an inbox takes only the keys of its own deployment: a peer
without one is dropped before it has said anything. Where everybody is stands in one file
that is written once, before any component starts.
"""

import shutil
import socket
from pathlib import Path
from typing import Any, Final, Literal, Self

import msgspec
import zmq
from msgspec import Struct
from zmq.auth.thread import ThreadAuthenticator

from fanfold.errors import LiveError
from fanfold.live.folder import Folder, own_folder, write_durably
from fanfold.live.messages import UNREADABLE

INBOX_ENVELOPES: Final = 20_000
"""Envelopes that wait unread in an inbox, of each sender, before that one is held up."""

OUTLET_ENVELOPES: Final = 20_000
"""Envelopes that wait in an outlet for a receiver that is away, before `send` says no."""

LINGER_MS: Final = 200
"""How long a closed outlet goes on sending what it holds [ms]."""

RECONNECT_MS: Final = 20
RECONNECT_MS_MAX: Final = 500
"""First and longest pause before a receiver that is away is tried again [ms]."""

ENVELOPE_BYTES_MAX: Final = 16 * 2**20
"""Longest envelope over TCP [bytes]; a longer one ends its connection."""

LOOPBACK: Final = "127.0.0.1"

_DOMAIN: Final = "live"

Transport = Literal["ipc", "tcp"]


class Address(Struct, frozen=True, kw_only=True):
    """Where an inbox is.

    Attributes:
        endpoint: As ZeroMQ has it.
        public_key: Of the component's CURVE pair (Z85), "" where sockets are files.
    """

    endpoint: str
    public_key: str = ""


class Pair(Struct, frozen=True):
    """A CURVE pair (Z85); the secret half does not show."""

    public: str
    secret: str

    def __repr__(self) -> str:
        return f"Pair({self.public})"


def addresses_file(folder: Folder) -> Path:
    """Where everybody is."""
    return folder.path / "addresses.json"


def keys_file(folder: Folder) -> Path:
    """The CURVE pairs, for their owner's eyes only."""
    return folder.path / "curve.json"


def write_addresses(
    folder: Folder, names: tuple[str, ...], transport: Transport, host: str = LOOPBACK
) -> None:
    """Say where each inbox will be; over TCP, on free ports and with new keys.

    Args:
        folder: Of the deployment.
        names: Components.
        transport: Files or TCP.
        host: Address that inboxes listen on, over TCP.

    Raises:
        ConfigError: The folder of the sockets is not ours alone.
    """
    own_folder(folder.sockets)
    if transport == "ipc":
        made = {name: Address(endpoint=f"ipc://{folder.sockets}/{name}") for name in names}
        write_durably(addresses_file(folder), msgspec.json.encode(made))
        return
    pairs = {name: _new_pair() for name in names}
    write_durably(keys_file(folder), msgspec.json.encode(pairs))
    ports = _free_ports(host, len(names))
    place = f"[{host}]" if ":" in host else host
    made = {
        name: Address(endpoint=f"tcp://{place}:{port}", public_key=pairs[name].public)
        for name, port in zip(names, ports, strict=True)
    }
    write_durably(addresses_file(folder), msgspec.json.encode(made))


def read_addresses(folder: Folder) -> dict[str, Address]:
    """Where each inbox is.

    Raises:
        LiveError: Nobody has said so yet, or the file is damaged.
    """
    try:
        return msgspec.json.decode(addresses_file(folder).read_bytes(), type=dict[str, Address])
    except (OSError, *UNREADABLE) as error:
        raise LiveError(f"addresses must be readable in {folder.path}, were not: {error}") from None


class Outlet:
    """What goes to one receiver; never waits."""

    def __init__(self, socket_: "zmq.Socket[bytes]") -> None:
        self._socket = socket_
        self._send = socket_.send

    def send(self, raw: bytes) -> bool:
        """Hand over one envelope; whether there was room for it."""
        try:
            self._send(raw, zmq.NOBLOCK)
        except zmq.Again:
            return False
        return True

    def close(self) -> None:
        """Let go of it; what it holds is still sent for `LINGER_MS`."""
        self._socket.close(LINGER_MS)


class Inbox:
    """What comes from all senders, each one's in its order."""

    def __init__(self, socket_: "zmq.Socket[bytes]") -> None:
        self.socket = socket_
        self._recv, self._look = socket_.recv, socket_.get

    def take(self) -> bytes | None:
        """The next envelope's bytes, None where there is none now."""
        if not int(self._look(zmq.EVENTS)) & zmq.POLLIN:  # quicker than an error that says so
            return None
        try:
            return self._recv(zmq.NOBLOCK)
        except zmq.Again:
            return None

    def close(self) -> None:
        """Let go of it."""
        self.socket.close(0)


class Wires:
    """The sockets of one component, made as they are asked for.

    Args:
        folder: Of the deployment; its addresses have been written.
        name: The component's.

    Raises:
        LiveError: There are no addresses, or the keys are missing.
    """

    def __init__(self, folder: Folder, name: str) -> None:
        self.name = name
        self.addresses = read_addresses(folder)
        self._folder = folder
        self._context: zmq.Context[zmq.Socket[bytes]] = zmq.Context(io_threads=1)
        self._keys = _pair_of(folder, name) if self._is_curve else None
        self._authenticator: Any = None
        self._open: list[Inbox | Outlet] = []

    @property
    def _is_curve(self) -> bool:
        return any(address.public_key for address in self.addresses.values())

    def inbox(self) -> Inbox:
        """The component's own inbox, bound.

        Raises:
            LiveError: It has no address, or somebody else has it.
        """
        address = self._address_of(self.name)
        made = self._context.socket(zmq.PULL)
        made.set_hwm(INBOX_ENVELOPES)
        made.linger = 0
        if self._keys is not None:
            self._admit_own()
            made.setsockopt(zmq.MAXMSGSIZE, ENVELOPE_BYTES_MAX)
            made.curve_server = True
            made.curve_secretkey = self._keys.secret.encode()
            made.zap_domain = _DOMAIN.encode()
        try:
            made.bind(address.endpoint)
        except zmq.ZMQError as error:
            made.close(0)
            raise LiveError(
                f"the inbox of {self.name} must be free to bind, {address.endpoint} was not: "
                f"{error.strerror}"
            ) from None
        inbox = Inbox(made)
        self._open.append(inbox)
        return inbox

    def outlet(self, receiver: str) -> Outlet:
        """An outlet to a component, which need not be there yet.

        Raises:
            LiveError: It has no address.
        """
        address = self._address_of(receiver)
        made = self._context.socket(zmq.PUSH)
        made.set_hwm(OUTLET_ENVELOPES)
        made.linger = LINGER_MS
        made.setsockopt(zmq.RECONNECT_IVL, RECONNECT_MS)
        made.setsockopt(zmq.RECONNECT_IVL_MAX, RECONNECT_MS_MAX)
        if self._keys is not None:
            made.curve_serverkey = address.public_key.encode()
            made.curve_publickey = self._keys.public.encode()
            made.curve_secretkey = self._keys.secret.encode()
        made.connect(address.endpoint)
        outlet = Outlet(made)
        self._open.append(outlet)
        return outlet

    def outlets(self) -> dict[str, Outlet]:
        """An outlet to each other component."""
        return {name: self.outlet(name) for name in self.addresses if name != self.name}

    def close(self) -> None:
        """Close all sockets; takes `LINGER_MS` at most."""
        for one in self._open:
            one.close()
        self._open.clear()
        if self._authenticator is not None:
            self._authenticator.stop()
            self._authenticator = None
        self._context.term()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _address_of(self, name: str) -> Address:
        if name not in self.addresses:
            raise LiveError(f"component must be one of {', '.join(self.addresses)}, was {name!r}")
        return self.addresses[name]

    def _admit_own(self) -> None:
        """Refuse whoever shows another key than those of the deployment."""
        admitted = frozenset(address.public_key.encode() for address in self.addresses.values())
        made: Any = ThreadAuthenticator(self._context)
        made.start()
        made.configure_curve_callback(domain=_DOMAIN, credentials_provider=_Admission(admitted))
        self._authenticator = made


class _Admission:
    """Says which keys may come in."""

    def __init__(self, admitted: frozenset[bytes]) -> None:
        self._admitted = admitted

    def callback(self, _domain: str, key: bytes) -> bool:
        return key in self._admitted


def _new_pair() -> Pair:
    public, secret = zmq.curve_keypair()
    return Pair(public.decode(), secret.decode())


def _pair_of(folder: Folder, name: str) -> Pair:
    file = keys_file(folder)
    try:
        pairs = msgspec.json.decode(file.read_bytes(), type=dict[str, Pair])
    except (OSError, *UNREADABLE) as error:
        raise LiveError(f"the keys in {file} must be readable: {type(error).__name__}") from None
    if name not in pairs:
        raise LiveError(f"{file} must hold a pair of keys for {name}, did not")
    return pairs[name]


def _free_ports(host: str, count: int) -> list[int]:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    held = [socket.socket(family, socket.SOCK_STREAM) for _ in range(count)]
    try:
        for one in held:
            one.bind((host, 0))
        return [int(one.getsockname()[1]) for one in held]
    finally:
        for one in held:
            one.close()


def remove_sockets(folder: Folder) -> None:
    """Take away the sockets, on which nobody listens any more; nothing that a link leads to."""
    if not folder.sockets.is_symlink():
        shutil.rmtree(folder.sockets, ignore_errors=True)
