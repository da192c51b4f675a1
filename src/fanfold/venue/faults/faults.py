"""The faults that are on, and what they decide."""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from fanfold.errors import ConfigError
from fanfold.venue.faults import kinds
from fanfold.venue.faults.messages import Lines
from fanfold.venue.faults.orders import mischief_of
from fanfold.venue.faults.plan import Delivery, Endpoint, Trouble
from fanfold.venue.faults.reading import described, fault_of
from fanfold.venue.faults.requests import refused, touches_request, trouble_of
from fanfold.venue.faults.standing import SECOND_NS, Standing
from fanfold.venue.trading.terms import Mischief

FAULTS_MAX: Final = 1_000
"""Faults at once at most; those that are over make room [faults]."""


class Faults:
    """The faults that are on. An equal seed and equal questions give equal answers.

    Args:
        seed: What strikes follows from it.
        clock: By which faults last, halts excepted [ns UTC]; the time of day by default.
    """

    def __init__(self, seed: int = 0, *, clock: Callable[[], int] | None = None) -> None:
        clock = clock or time_of_day()
        self._seed = seed
        self._clock = clock
        self._standing: list[Standing] = []
        self._named = 0
        self._requests: tuple[Standing, ...] = ()
        self._streams: tuple[Standing, ...] = ()
        self._upgrades: tuple[Standing, ...] = ()
        self._halts: tuple[tuple[Standing, kinds.Halt], ...] = ()
        self._of_orders: list[Standing] = []
        self._lines = Lines()
        self._refusing: dict[tuple[Endpoint, str], tuple[int, Trouble]] = {}
        self._mischief = mischief_of(self._of_orders, clock)
        self._venue_now = 0

    @classmethod
    def from_config(
        cls,
        written: Iterable[Any],
        seed: int = 0,
        *,
        clock: Callable[[], int] | None = None,
    ) -> "Faults":
        """The faults of a configuration.

        Raises:
            ConfigError: One of them is not what it must be; it names which.
        """
        faults = cls(seed, clock=clock)
        for number, one in enumerate(written):
            faults._add(one, named=f"faults[{number}]")
        return faults

    # Which are on

    def add(self, written: Mapping[str, Any]) -> dict[str, Any]:
        """Let something go wrong from now on.

        Args:
            written: Its `kind` and parameters, see `described`.

        Returns:
            It as it is listed, with its `id`.

        Raises:
            ConfigError: A parameter is not what it must be, or there are too many.
        """
        added = self._add(written, named="the fault")
        return added.shown(self._now_of(added))

    def remove(self, fault_id: str) -> bool:
        """Let a fault end; whether there was one."""
        kept = [one for one in self._standing if one.name != fault_id]
        found = len(kept) < len(self._standing)
        self._keep(kept)
        self._lines.forget(fault_id)
        if not self._upgrades:
            self._refusing.clear()
        return found

    def clear(self) -> None:
        """Let all faults end."""
        self._keep([])
        self._lines.clear()
        self._refusing.clear()

    def listed(self) -> list[dict[str, Any]]:
        """Faults that were added and not taken away, as values of JSON.

        Each with its `id`, its parameters, whether it is `on` still, how often it was `asked`,
        and how often it `struck`.
        """
        return [one.shown(self._now_of(one)) for one in self._standing]

    @staticmethod
    def described() -> list[dict[str, Any]]:
        """All kinds for people: what each does, and what its parameters must be."""
        return described()

    def _add(self, written: Any, *, named: str) -> Standing:
        fault = fault_of(written, named=named)
        if len(self._standing) >= FAULTS_MAX:
            self._keep([one for one in self._standing if one.is_on(self._now_of(one))])
            if len(self._standing) >= FAULTS_MAX:
                raise ConfigError(f"{named}: there must be at most {FAULTS_MAX:,}, one was more")
        self._named += 1
        name = f"fault-{self._named}"
        since = None if isinstance(fault, kinds.Halt) else self._clock()
        added = Standing(name, fault, seed=self._seed, since=since)
        self._keep([*self._standing, added])
        return added

    def _keep(self, standing: list[Standing]) -> None:
        self._standing = standing
        self._requests = tuple(one for one in standing if isinstance(one.fault, kinds.OnRequest))
        self._streams = tuple(one for one in standing if isinstance(one.fault, kinds.OnStream))
        self._upgrades = tuple(
            one for one in standing if isinstance(one.fault, kinds.RefuseUpgrade)
        )
        self._halts = tuple(
            (one, one.fault) for one in standing if isinstance(one.fault, kinds.Halt)
        )
        self._of_orders[:] = (one for one in standing if isinstance(one.fault, kinds.OnOrder))

    def _now_of(self, standing: Standing) -> int:
        return self._venue_now if isinstance(standing.fault, kinds.Halt) else self._clock()

    # What they decide

    def on_request(self, method: str, path: str, account: str) -> Trouble | None:
        """What happens to a REST request; None in nearly all cases.

        Delays add up; of other faults the one that was added first decides.
        """
        if not self._requests:
            return None
        now = self._clock()
        trouble, delay_s, late = None, 0.0, False
        for standing in self._requests:
            fault = standing.fault
            if not isinstance(fault, kinds.OnRequest) or not touches_request(
                fault, method=method, path=path, account=account
            ):
                continue
            if trouble is not None and not isinstance(fault, kinds.RestDelay):
                continue
            if standing.strike(now) is None:
                continue
            if isinstance(fault, kinds.RestDelay):
                delay_s, late = delay_s + fault.delay_s, True
            else:
                trouble = trouble_of(fault, now + self.skew_ns)
        if trouble is None:
            return Trouble(delay_s=delay_s) if late else None
        return replace(trouble, delay_s=delay_s)

    def on_upgrade(self, endpoint: Endpoint, account: str) -> Trouble | None:
        """What happens to a request for a stream.

        Args:
            endpoint: Which stream.
            account: Id of the account; empty where keys come later, on the connection, and
                nobody knows yet whose it is: see `lets_in`.

        Returns:
            With 406 the body is what a market-data stream says once it is connected.
        """
        client = (endpoint, account)
        now = self._clock()
        if self._lines.is_half_dead(client, now):
            return refused(406)
        refusing = self._refusing.get(client)
        if refusing is not None and now < refusing[0]:
            return refusing[1]
        for standing in self._upgrades:
            fault = standing.fault
            if (
                isinstance(fault, kinds.RefuseUpgrade)
                and fault.endpoint in ("", endpoint)
                and fault.account in ("", account)
                and standing.strike(now) is not None
            ):
                trouble = refused(fault.status)
                self._refusing[client] = (now + round(fault.lasts_s * SECOND_NS), trouble)
                return trouble
        return None

    def lets_in(self, endpoint: Endpoint, account: str) -> bool:
        """Whether a client that has shown its keys gets its place: begins anew, if so.

        It does not while a connection of its own that was cut is taken for a living one.
        """
        client = (endpoint, account)
        if self._lines.is_half_dead(client, self._clock()):
            return False
        self._lines.connected(client)
        return True

    def on_messages(
        self, endpoint: Endpoint, account: str, messages: Sequence[bytes]
    ) -> Delivery | None:
        """What becomes of messages of a stream; None for all as they are."""
        if not self._streams:
            return None
        client = (endpoint, account)
        return self._lines.delivery(self._streams, client, messages, self._clock())

    @property
    def mischief(self) -> Mischief:
        """What goes otherwise with orders; asks the faults that are on at the time."""
        return self._mischief

    @property
    def skew_ns(self) -> int:
        """How far the clock that is told to clients is off [ns]."""
        return sum(
            round(one.fault.skew_s * SECOND_NS)
            for one in self._standing
            if isinstance(one.fault, kinds.ClockSkew) and one.is_on(self._clock())
        )

    def halts(self, now: int) -> dict[str, str]:
        """Assets whose trading stands, as they were named, and why.

        A halt begins at the first instant at which it is asked for.

        Args:
            now: The venue's clock [ns UTC].
        """
        self._venue_now = now
        found: dict[str, str] = {}
        for one, halt in self._halts:
            if one.since is None:
                one.since = now
            if one.is_on(now):
                found.setdefault(halt.symbol, halt.reason)
        return found


def time_of_day() -> Callable[[], int]:
    """A clock that begins with the time of day, and goes on whoever sets that [ns UTC]."""
    begin = time.time_ns() - time.monotonic_ns()
    return lambda: begin + time.monotonic_ns()
