"""The lease, kept: taken when it can be had, renewed in time, noticed when it is lost."""

import time
from typing import Final

from fanfold.errors import ConfigError, LiveError
from fanfold.live.execution.book import Book
from fanfold.live.execution.lease import Lease, Waiting, account_folder, monotonic_ns
from fanfold.live.plan import Plan

RETRY_S: Final = 10.0
"""Pause after a lease was refused [s]."""

LOST_S: Final = 1.0
"""Pause after a lease was lost [s]."""


class Rights:
    """The right to send for the account.

    Attributes:
        reason: Why it is not had.
    """

    def __init__(self, plan: Plan, book: Book) -> None:
        self._plan, self._book = plan, book
        self._lease: Lease | None = None
        self._again_at = 0.0
        self.reason = "the lease was not taken yet"

    @property
    def hold(self) -> bool:
        """Whether a write may go at this very instant."""
        return self._lease is not None and self._lease.holds(monotonic_ns())

    def keep(self) -> bool:
        """Take or renew the lease where it is time; False if it was lost just now."""
        if self._lease is None:
            if time.monotonic() >= self._again_at:
                self._take()
            return True
        now = monotonic_ns()
        if not self._lease.is_due(now):
            return True
        try:
            kept = self._lease.renew(has_business=self._book.has_business)
            reason = "somebody else has the lease"
        except LiveError as error:
            kept, reason = self._lease.holds(now), str(error)
        if not kept:
            self._lease, self.reason = None, reason
            self._again_at = time.monotonic() + LOST_S
            self._book.count("lease_lost")
        return kept

    def release(self) -> None:
        """Give it back."""
        if self._lease is not None:
            self._lease.release(has_business=self._book.has_business)
        self._lease = None

    def _take(self) -> None:
        broker, journal = self._plan.settings.broker, self._book.journal
        clock = time.monotonic()
        try:
            taken = Lease.taken(
                account_folder(journal.account),
                journal.deployment,
                ttl_s=self._plan.settings.execution.lease_s,
                request_timeout_s=broker.connect_timeout_s + broker.read_timeout_s,
            )
        except (ConfigError, LiveError) as error:
            self._again_at, self.reason = clock + RETRY_S, str(error)
            return
        if isinstance(taken, Waiting):
            self._again_at, self.reason = clock + taken.seconds, taken.reason
            return
        self._lease, self.reason = taken, ""
